package calls

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

// An address is a host and port found in a text.
type address struct {
	host string
	port int32 // 0: none is named
	line int   // in the text, from 1
}

var (
	urlText  = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*)://([^\s"'<>,;|\x60)\\]+)`)
	hostPort = regexp.MustCompile(`[A-Za-z0-9][A-Za-z0-9_.-]*:[0-9]{2,5}`)
	hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.?$`)
	fullName = regexp.MustCompile(`[a-z0-9][a-z0-9-]*\.[a-z0-9][a-z0-9-]*\.svc(\.[a-z0-9.-]*[a-z0-9])?`)
)

// schemePorts are those that a URL without a port means.
var schemePorts = map[string]int32{
	"http": 80, "ws": 80, "https": 443, "wss": 443, "mysql": 3306, "postgres": 5432, "postgresql": 5432,
	"redis": 6379, "mongodb": 27017, "amqp": 5672, "nats": 4222,
}

// addressesIn finds the addresses in a text. Lines that are comments are left
// out. Whether a host is a Service is for the caller to find out.
func addressesIn(text string) []address {
	var found []address
	for i, line := range strings.Split(text, "\n") {
		if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, "//") {
			continue
		}
		for _, m := range urlText.FindAllStringSubmatch(line, -1) {
			authority := m[2]
			if j := strings.IndexAny(authority, "/?#"); j >= 0 {
				authority = authority[:j]
			}
			authority = authority[strings.LastIndexByte(authority, '@')+1:]
			host, port := splitHost(authority)
			if port == 0 && !strings.Contains(authority, ":") {
				port = schemePorts[strings.ToLower(m[1])]
			}
			if port != 0 && hostName.MatchString(strings.ToLower(host)) {
				found = append(found, address{host, port, i + 1})
			}
		}
		for _, span := range hostPort.FindAllStringIndex(line, -1) {
			before, after := byte(' '), byte(' ')
			if span[0] > 0 {
				before = line[span[0]-1]
			}
			if span[1] < len(line) {
				after = line[span[1]]
			}
			// A slash before it makes it an image, or a URL, found above.
			if isWord(before) || strings.IndexByte("/:-.", before) >= 0 || isWord(after) || strings.IndexByte(":-.", after) >= 0 {
				continue
			}
			if host, port := splitHost(line[span[0]:span[1]]); port != 0 {
				found = append(found, address{host, port, i + 1})
			}
		}
		for _, span := range fullName.FindAllStringIndex(line, -1) {
			if span[1] < len(line) && line[span[1]] == ':' || span[0] > 0 && strings.IndexByte("./-@", line[span[0]-1]) >= 0 {
				continue
			}
			found = append(found, address{line[span[0]:span[1]], 0, i + 1})
		}
	}
	return found
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func splitHost(authority string) (string, int32) {
	host, text, ok := strings.Cut(authority, ":")
	if !ok {
		return host, 0
	}
	port, err := strconv.ParseInt(text, 10, 32)
	if err != nil || port <= 0 || port > 65535 {
		return host, 0
	}
	return host, int32(port)
}

// hostSuffixes end the names of settings that hold a host; what
// stands before them begins the name of the port that belongs to it.
var hostSuffixes = []string{"_SERVICE_HOST", "_HOST_NAME", "_HOSTNAME", "_HOST", "_ADDRESS", "_ADDR", "_ENDPOINT", "_SERVER", "_URL", "SERVICE_NAME", "_SERVICE"}

// pairs finds hosts and ports in settings of their own: DB_HOST and DB_PORT. A
// host without a port means the Service's only one.
func pairs(settings []setting, resolve func(string) (inventory.Typed[corev1.Service], bool)) []found {
	values := map[string]string{}
	for _, s := range settings {
		values[s.name] = s.value
	}
	var list []found
	for _, s := range settings {
		name := strings.ToUpper(s.name)
		if !hostName.MatchString(s.value) || strings.HasPrefix(name, "NO_PROXY") {
			continue
		}
		var base string
		matched := name == "HOST"
		for _, suffix := range hostSuffixes {
			if before, ok := strings.CutSuffix(name, suffix); ok {
				base, matched = before, true
				if suffix == "SERVICE_NAME" {
					base = before + "SERVICE"
				}
				break
			}
		}
		if !matched {
			continue
		}
		service, ok := resolve(s.value)
		if !ok {
			continue
		}
		var port int32
		named := false
		for _, portName := range []string{base + "_SERVICE_PORT", base + "_PORT", base + "PORT"} {
			if text, set := values[portName]; set {
				_, port = splitHost(":" + text)
				named = true
				break
			}
		}
		if !named {
			// A name alone may be no address at all.
			if strings.HasSuffix(name, "SERVICE_NAME") {
				continue
			}
			port, _ = reach.OnlyPort(service, corev1.ProtocolTCP)
		}
		if port != 0 {
			list = append(list, found{service, port, s.place, fmt.Sprintf("%s names %s", s.said, s.value)})
		}
	}
	return list
}

// A found is a Service's port that some text names.
type found struct {
	service inventory.Typed[corev1.Service]
	port    int32
	place   inventory.Place
	because string
}

// inText finds the Services that a text names, as a pod of a namespace would
// read it.
func inText(n *reach.Network, s setting, namespace string) []found {
	var list []found
	lines := strings.Contains(s.value, "\n")
	for _, a := range addressesIn(s.value) {
		service, ok := n.Lookup(a.host, namespace)
		if !ok {
			continue
		}
		if a.port == 0 {
			if a.port, ok = reach.OnlyPort(service, corev1.ProtocolTCP); !ok {
				continue
			}
		}
		place := s.place
		if lines {
			place = place.AtLine(a.line)
		}
		text := a.host
		if a.port != 0 {
			text = fmt.Sprintf("%s:%d", a.host, a.port)
		}
		list = append(list, found{service, a.port, place, fmt.Sprintf("%s names %s", s.said, text)})
	}
	return list
}

// Addresses are the calls of workloads to the Services that their environment,
// command line and mounted configuration name.
func Addresses(n *reach.Network) []Call {
	var calls []Call
	for _, pod := range n.Pods() {
		if pod.Pod.Owner.Made != nil {
			continue
		}
		from := []*reach.Peer{pod}
		resolve := func(host string) (inventory.Typed[corev1.Service], bool) { return n.Lookup(host, pod.Namespace) }
		var all []found
		for place, c := range pod.Pod.Containers() {
			env := environment(n, pod, place, c)
			line := words(place, c, env, pod.Name)
			all = append(all, pairs(env, resolve)...)
			all = append(all, pairs(flags(line), resolve)...)
			for _, s := range env {
				if strings.ToUpper(s.name) != "NO_PROXY" {
					all = append(all, inText(n, s, pod.Namespace)...)
				}
			}
			for _, s := range line {
				all = append(all, inText(n, s, pod.Namespace)...)
			}
			for _, s := range mounted(n, pod, c) {
				all = append(all, inText(n, s, pod.Namespace)...)
			}
		}
		for _, f := range all {
			calls = append(calls, toService(n, from, f.service, f.port, Call{Place: f.place, Because: f.because})...)
		}
	}
	return distinct(calls)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
