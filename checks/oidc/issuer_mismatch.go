package oidc

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var issuerMismatch = &checks.Check{
	ID:       "oidc/issuer-mismatch",
	Severity: checks.Error,
	Doc: `issuer that differs between the parts of the login chain

Users log in and get "Jwt issuer is not configured", "issuer did not match" or
an error of the relying party: Dex writes its issuer into every token, and the
relying party and Istio's RequestAuthentication accept only that, to the
letter. A trailing slash, http instead of https, another port or another name of
the same Service make it a different issuer.

The side that stands alone is reported. A relying party with
insecure_oidc_skip_issuer_verification is left out. Other issuers beside Dex's,
as for tokens of Kubernetes service accounts, are fine unless they are a
spelling of Dex's own. An issuer of http:// within the cluster is upstream's own
and right.`,
	Fix: "Write the same issuer everywhere, as Dex has it.",
	Refs: []string{
		"canonical/bundle-kubeflow#833",
		"kubeflow/manifests#2877",
		"kubeflow/manifests#2840",
		"https://istio.io/latest/docs/reference/config/security/request_authentication/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		seen := reported{}
		for _, dex := range c.Dexes {
			checkIssuers(pass, c, dex, seen)
		}
		for _, party := range c.Parties {
			if c.DexOf(party) == nil {
				checkForeignIssuer(pass, c, party, seen)
			}
		}
	},
}

// A side is one part of the chain that names the issuer.
type side struct {
	who    string
	issuer *login.Setting
	// others are issuers that the same object accepts as well.
	accepts []string
}

func checkIssuers(pass *checks.Pass, c *login.Chain, dex *login.Dex, seen reported) {
	if dex.Issuer == nil {
		return
	}
	if !dex.Issuer.Known() {
		pass.Undecidedf(dex.Issuer.Place, "the issuer of %s is not known: %s", dex.Name(), dex.Issuer.Unknown)
		return
	}
	var sides []side
	used := false
	for _, party := range c.Parties {
		if c.DexOf(party) != dex {
			continue
		}
		used = true
		if s := party.Issuer(); s.Known() && verifiesIssuer(party) {
			sides = append(sides, side{who: party.Name(), issuer: s})
		}
	}
	if used {
		// Tokens of this Dex come through the gateway: one of the rules there
		// must be its.
		for _, pod := range c.FrontPods() {
			if rule, ok := ruleFor(c.RulesAt(pod), dex.Issuer.Text); rule != nil {
				accepts := []string{}
				if ok {
					accepts = append(accepts, dex.Issuer.Text)
				}
				for _, r := range c.RulesAt(pod) {
					accepts = append(accepts, r.Issuer.Value())
				}
				sides = append(sides, side{who: rule.Object.Key.String(), issuer: rule.Issuer, accepts: accepts})
			}
		}
	}
	agree := func(issuer string) int {
		n := 0
		for _, s := range sides {
			if s.issuer.Text == issuer || slices.Contains(s.accepts, issuer) {
				n++
			}
		}
		return n
	}
	// Where all others agree with each other, Dex is the one that is wrong.
	// So it is if the only other one has what Kubeflow ships.
	if agree(dex.Issuer.Text) == 0 && (len(sides) > 1 && agree(sides[0].issuer.Text) == len(sides) || len(sides) == 1 && sides[0].issuer.Text == kubeflow.DefaultIssuer) {
		who := sides[0].who + " accepts"
		if len(sides) > 1 {
			who = fmt.Sprintf("%s and %d more of the login chain accept", sides[0].who, len(sides)-1)
		}
		f := pass.Reportf(dex.Issuer.Place, "the issuer of %s is %s, but %s %s only%s",
			dex.Name(), dex.Issuer.Show(), who, sides[0].issuer.Show(), difference(dex.Issuer.Text, sides[0].issuer.Text))
		for _, s := range sides {
			f.See(s.issuer.Place, "the issuer that %s accepts", s.who)
		}
		return
	}
	for _, s := range sides {
		if s.issuer.Text == dex.Issuer.Text || slices.Contains(s.accepts, dex.Issuer.Text) || !seen.first(s.issuer.Place, "") {
			continue
		}
		pass.Reportf(s.issuer.Place, "%s accepts the issuer %s, but %s writes %s into its tokens%s",
			s.who, s.issuer.Show(), dex.Name(), dex.Issuer.Show(), difference(s.issuer.Text, dex.Issuer.Text)).
			See(dex.Issuer.Place, "the issuer of Dex")
	}
	// A second spelling of Dex's issuer anywhere else.
	for _, r := range c.Rules {
		if r.Issuer.Value() == "" || r.Issuer.Text == dex.Issuer.Text || !sameIssuer(c, r, dex) || !seen.first(r.Issuer.Place, "") {
			continue
		}
		if slices.ContainsFunc(c.Rules, func(o *login.JWTRule) bool { return o.Object == r.Object && o.Issuer.Value() == dex.Issuer.Text }) {
			continue // an alias beside the right one
		}
		pass.Reportf(r.Issuer.Place, "%s accepts the issuer %s, but %s writes %s into its tokens%s",
			r.Object.Key, r.Issuer.Show(), dex.Name(), dex.Issuer.Show(), difference(r.Issuer.Text, dex.Issuer.Text)).
			See(dex.Issuer.Place, "the issuer of Dex")
	}
}

// checkForeignIssuer compares a relying party of a provider that is not in the
// render with the rules at the gateway.
func checkForeignIssuer(pass *checks.Pass, c *login.Chain, party *login.Party, seen reported) {
	issuer := party.Issuer()
	if !issuer.Known() || !verifiesIssuer(party) {
		return
	}
	for _, pod := range c.FrontPods() {
		rule, ok := ruleFor(c.RulesAt(pod), issuer.Text)
		if rule == nil || ok || !seen.first(rule.Issuer.Place, "") {
			continue
		}
		pass.Reportf(rule.Issuer.Place, "%s accepts the issuer %s, but %s lets users log in at %s%s",
			rule.Object.Key, rule.Issuer.Show(), party.Name(), issuer.Show(), difference(rule.Issuer.Text, issuer.Text)).
			See(issuer.Place, "the issuer of the relying party")
	}
}

// ruleFor finds the rule that is meant for an issuer: the one that has it, or
// else the most like it. It is nil where there are no rules with an issuer.
func ruleFor(rules []*login.JWTRule, issuer string) (rule *login.JWTRule, ok bool) {
	best := -1
	for _, r := range rules {
		if r.Issuer.Value() == "" {
			continue
		}
		if r.Issuer.Text == issuer {
			return r, true
		}
		if n := likeness(r.Issuer.Text, issuer); n > best {
			rule, best = r, n
		}
	}
	return rule, false
}

// likeness counts what two URLs have in common.
func likeness(a, b string) int {
	ua, erra := url.Parse(a)
	ub, errb := url.Parse(b)
	if erra != nil || errb != nil {
		return 0
	}
	n := 0
	if strings.EqualFold(ua.Hostname(), ub.Hostname()) {
		n += 4
	}
	if pa := strings.Trim(ua.Path, "/"); pa != "" && pa == strings.Trim(ub.Path, "/") {
		n += 2
	}
	if ua.Scheme == ub.Scheme {
		n++
	}
	return n
}

// difference says how two issuers differ, where that is easily overlooked.
func difference(a, b string) string {
	switch {
	case strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/"):
		return ": they differ by a trailing slash"
	case strings.TrimSpace(a) == strings.TrimSpace(b):
		return ": they differ by white space"
	case strings.EqualFold(a, b):
		return ": they differ in case"
	case strings.TrimPrefix(strings.TrimPrefix(a, "http"), "s") == strings.TrimPrefix(strings.TrimPrefix(b, "http"), "s"):
		return ": they differ in scheme"
	}
	return ""
}

func verifiesIssuer(party *login.Party) bool {
	if party.Proxy == nil {
		return true
	}
	skip, _ := party.Proxy.Bool("insecure_oidc_skip_issuer_verification", false)
	return !skip && party.Proxy.OIDC()
}

// sameIssuer reports whether a rule's issuer is a spelling of Dex's: it leads
// to Dex's Service, or differs from its issuer only in what is easily
// overlooked.
func sameIssuer(c *login.Chain, r *login.JWTRule, dex *login.Dex) bool {
	if difference(r.Issuer.Text, dex.Issuer.Text) != "" {
		return true
	}
	t := c.ResolveURL(r.Issuer.Text, r.Object.Key.Namespace)
	return t != nil && t.Backs(&dex.Workload)
}
