package login

import (
	"net/netip"
	"strings"
)

// SplitPort splits host:port; ok is false where there is no port. An IPv6
// address loses its brackets.
func SplitPort(text string) (host, port string, ok bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 || strings.HasSuffix(text, "]") || strings.Count(text, ":") > 1 && !strings.HasPrefix(text, "[") {
		return text, "", false
	}
	return strings.Trim(text[:i], "[]"), text[i+1:], true
}

// HostOnly is a host without port.
func HostOnly(text string) string {
	host, _, _ := SplitPort(text)
	return host
}

// IsIP reports whether a host is an address, not a name.
func IsIP(host string) bool {
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

// isLoopback reports whether only the pod itself can reach an address.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
