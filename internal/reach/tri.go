package reach

// A truth is no, maybe or yes, in this order: and is min, or is max.
type truth int

const (
	no truth = iota
	maybe
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// every is the conjunction of what many peers or ports answer: yes if all do,
// no if none does.
func every(answers []truth) truth {
	if len(answers) == 0 {
		return maybe
	}
	lowest, highest := yes, no
	for _, t := range answers {
		lowest, highest = min(lowest, t), max(highest, t)
	}
	if lowest == highest {
		return lowest
	}
	return maybe
}
