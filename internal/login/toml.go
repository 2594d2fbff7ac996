package login

import (
	"fmt"
	"strconv"
	"strings"
)

// A tomlEntry is one top-level setting of a TOML file.
type tomlEntry struct {
	key   string
	line  int // of the key
	kind  string
	items []tomlItem // one for a scalar
}

type tomlItem struct {
	text string
	line int
}

// A tomlError is a line that oauth2-proxy could not read.
type tomlError struct {
	line int
	text string
}

func (e *tomlError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.text) }

// parseTOML reads as much TOML as an oauth2-proxy configuration has: settings
// of strings, numbers, booleans and lists. Settings within tables keep their
// table's name before theirs, which makes them unknown options, as they are to
// oauth2-proxy.
func parseTOML(text string) ([]tomlEntry, *tomlError) {
	p := &tomlParser{text: text, line: 1}
	var entries []tomlEntry
	seen := map[string]int{}
	table := ""
	for {
		p.skipBlank()
		if p.done() {
			return entries, nil
		}
		if p.peek() == '[' {
			end := strings.IndexByte(p.text[p.at:], '\n')
			if end < 0 {
				end = len(p.text) - p.at
			}
			header := strings.TrimSpace(p.text[p.at : p.at+end])
			table = strings.Trim(header, "[] ") + "."
			p.at += end
			continue
		}
		entry := tomlEntry{line: p.line}
		key, err := p.key()
		if err != nil {
			return entries, err
		}
		entry.key = table + key
		if first, dup := seen[entry.key]; dup {
			return entries, &tomlError{entry.line, fmt.Sprintf("%s is given twice, first at line %d", entry.key, first)}
		}
		seen[entry.key] = entry.line
		if entry.kind, entry.items, err = p.value(); err != nil {
			return entries, err
		}
		entries = append(entries, entry)
		p.skipInline()
		if !p.done() && p.peek() != '\n' {
			return entries, &tomlError{p.line, "text after the value of " + entry.key}
		}
	}
}

type tomlParser struct {
	text string
	at   int
	line int
}

func (p *tomlParser) done() bool { return p.at >= len(p.text) }
func (p *tomlParser) peek() byte { return p.text[p.at] }

// skipBlank goes over white space, line ends and comments.
func (p *tomlParser) skipBlank() {
	for !p.done() {
		switch p.peek() {
		case '\n':
			p.line++
			p.at++
		case ' ', '\t', '\r':
			p.at++
		case '#':
			p.comment()
		default:
			return
		}
	}
}

// skipInline goes over white space and a comment up to the line's end.
func (p *tomlParser) skipInline() {
	for !p.done() && strings.IndexByte(" \t\r", p.peek()) >= 0 {
		p.at++
	}
	if !p.done() && p.peek() == '#' {
		p.comment()
	}
}

func (p *tomlParser) comment() {
	for !p.done() && p.peek() != '\n' {
		p.at++
	}
}

func (p *tomlParser) key() (string, *tomlError) {
	start := p.at
	for !p.done() && p.peek() != '=' && p.peek() != '\n' {
		p.at++
	}
	key := strings.Trim(strings.TrimSpace(p.text[start:p.at]), `"'`)
	if p.done() || p.peek() != '=' {
		return "", &tomlError{p.line, "a line that is no setting: it has no ="}
	}
	p.at++
	p.skipInline()
	for _, r := range key {
		if !(r == '_' || r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return "", &tomlError{p.line, "a line that begins with no name of a setting"}
		}
	}
	return key, nil
}

func (p *tomlParser) value() (kind string, items []tomlItem, err *tomlError) {
	if p.done() || p.peek() == '\n' {
		return "", nil, &tomlError{p.line, "a setting without value"}
	}
	if p.peek() != '[' {
		kind, item, err := p.scalar()
		return kind, []tomlItem{item}, err
	}
	opened := p.line
	p.at++
	for {
		p.skipBlank()
		if p.done() {
			return "", nil, &tomlError{opened, "a list that does not end"}
		}
		if p.peek() == ']' {
			p.at++
			return "list", items, nil
		}
		_, item, err := p.scalar()
		if err != nil {
			return "", nil, err
		}
		items = append(items, item)
		p.skipBlank()
		if !p.done() && p.peek() == ',' {
			p.at++
		} else if !p.done() && p.peek() != ']' {
			return "", nil, &tomlError{p.line, "a list without comma between two values"}
		}
	}
}

func (p *tomlParser) scalar() (kind string, item tomlItem, err *tomlError) {
	item.line = p.line
	rest := p.text[p.at:]
	for _, quote := range []string{`"""`, "'''"} {
		if !strings.HasPrefix(rest, quote) {
			continue
		}
		body, _, closed := strings.Cut(rest[3:], quote)
		if !closed {
			return "", item, &tomlError{p.line, "a text that does not end"}
		}
		p.at += len(body) + 6
		p.line += strings.Count(body, "\n")
		item.text = strings.TrimPrefix(body, "\n")
		return "string", item, nil
	}
	switch rest[0] {
	case '\'':
		end := strings.IndexAny(rest[1:], "'\n")
		if end < 0 || rest[1+end] != '\'' {
			return "", item, &tomlError{p.line, "a text that does not end on its line"}
		}
		item.text = rest[1 : 1+end]
		p.at += end + 2
		return "string", item, nil
	case '"':
		for i := 1; i < len(rest) && rest[i] != '\n'; i++ {
			switch rest[i] {
			case '\\':
				i++
			case '"':
				unquoted, bad := strconv.Unquote(rest[:i+1])
				if bad != nil {
					return "", item, &tomlError{p.line, "an escape that TOML does not know"}
				}
				item.text = unquoted
				p.at += i + 1
				return "string", item, nil
			}
		}
		return "", item, &tomlError{p.line, "a text that does not end on its line"}
	}
	end := strings.IndexAny(rest, ",]#\n \t\r")
	if end < 0 {
		end = len(rest)
	}
	item.text = rest[:end]
	p.at += end
	switch {
	case item.text == "true" || item.text == "false":
		return "bool", item, nil
	case isNumber(item.text):
		return "number", item, nil
	}
	return "", item, &tomlError{p.line, "a value that is neither quoted nor a number nor a boolean"}
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if err != nil {
		_, err = strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 0, 64)
	}
	return err == nil && s != "" && s[0] != '.'
}
