package oidc

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

var useridHeaderMismatch = &checks.Check{
	ID:       "oidc/userid-header-mismatch",
	Severity: checks.Error,
	Doc: `user header that nobody at the gateway sets

Users log in and the dashboard knows no user, or Pipelines answers "Request
header error: there is no user identity header": the header in USERID_HEADER is
none that the login puts into requests. It is set by RequestAuthentication's
outputClaimToHeaders, or by what the relying party answers and the mesh hands on.
A prefix (USERID_PREFIX) that the login does not write before the name has the
same effect.

All applications are compared with the gateway. Where they agree with each other
and the gateway stands alone, the gateway is reported. Without a relying party
in the render (an identity-aware proxy before the cluster, say) the check has
nothing to compare.`,
	Fix: "Use one header name in outputClaimToHeaders and in every USERID_HEADER.",
	Refs: []string{
		"https://www.kubeflow.org/docs/components/central-dash/profiles/",
		"https://istio.io/latest/docs/reference/config/security/jwt/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		c := read(pass)
		if len(c.Parties) == 0 {
			return
		}
		sources := userHeaders(c)
		consumers := userConsumers(c)
		if len(sources) == 0 && !wantsToken(c) || len(consumers) == 0 {
			return
		}
		checkHeaderNames(pass, c, sources, consumers)
		for _, s := range sources {
			if s.claim == "" || s.dex == nil || !slices.ContainsFunc(consumers, func(u consumer) bool { return u.header == s.name }) {
				continue
			}
			if !slices.Contains(dexClaims, s.claim) {
				pass.Reportf(s.place, "the header %s takes the claim %s, which is none of the tokens of %s", s.name, s.claim, s.dex.Name())
			}
		}
		seen := reported{}
		for _, u := range consumers {
			i := slices.IndexFunc(sources, func(s source) bool { return s.name == u.header && s.claim != "" })
			if i >= 0 && u.prefix.Value() != "" && seen.first(u.prefix.Place, "") {
				pass.Reportf(u.prefix.Place, "%s expects the prefix %s before the user in %s, but the login writes none", u.who, u.prefix.Show(), u.header).
					See(sources[i].place, "what fills the header")
			}
		}
	},
}

// dexClaims are the claims of Dex's ID tokens (server/oauth2.go).
var dexClaims = []string{"iss", "sub", "aud", "exp", "iat", "azp", "nonce", "at_hash", "c_hash", "email", "email_verified", "groups", "name", "preferred_username", "federated_claims"}

// A source is a header that the login puts into requests.
type source struct {
	name  string // lower case
	claim string // where a claim of the token fills it
	place inventory.Place
	dex   *login.Dex // whose tokens, where known
	quiet bool       // not worth naming in a message
}

func userHeaders(c *login.Chain) []source {
	var all []source
	for _, party := range c.Parties {
		providers, filters := c.Asks(party)
		if party.Proxy != nil {
			answers, _ := party.Proxy.ResponseHeaders()
			for _, p := range providers {
				for _, name := range sorted(answers) {
					if name != "authorization" && login.Has(p.UpstreamHeaders, name) {
						all = append(all, source{name: name, place: answers[name].Place})
					}
				}
			}
		}
		for _, f := range filters {
			for _, s := range f.UpstreamHeaders {
				name := strings.ToLower(s.Text)
				if party.Auth != nil {
					// It writes the user into the header that it is told.
					if own := party.Auth.Setting("USERID_HEADER"); own.Known() && strings.EqualFold(own.Text, name) {
						all = append(all, source{name: name, place: s.Place})
					}
					continue
				}
				all = append(all, source{name: name, place: s.Place})
			}
		}
	}
	all = append(all, otherHeaders(c)...)
	// Of the rules for tokens those count that are for the tokens of a login.
	wanted := issuers(c)
	for _, pod := range c.FrontPods() {
		rules := c.RulesAt(pod)
		ours := slices.DeleteFunc(slices.Clone(rules), func(r *login.JWTRule) bool { return !slices.Contains(wanted, r.Issuer.Value()) })
		if len(ours) == 0 {
			ours = rules
		}
		for _, r := range ours {
			var dex *login.Dex
			for _, d := range c.Dexes {
				if d.Issuer.Value() == r.Issuer.Value() && d.Issuer.Known() {
					dex = d
				}
			}
			var headers []string
			for name := range r.Headers {
				headers = append(headers, name)
			}
			slices.Sort(headers)
			for _, name := range headers {
				all = append(all, source{name: name, claim: r.Headers[name].Claim, place: r.Headers[name].Place, dex: dex})
			}
		}
	}
	return all
}

// otherHeaders are those that VirtualServices at the gateway set, and those
// that an EnvoyFilter there names: what a script of its does with them is not
// known, and so it may set them.
func otherHeaders(c *login.Chain) []source {
	var all []source
	for _, vs := range c.VirtualServices {
		for i := range vs.List("spec", "http") {
			for _, op := range []string{"set", "add"} {
				var names []string
				for name := range vs.Map("spec", "http", i, "headers", "request", op) {
					names = append(names, name)
				}
				slices.Sort(names)
				for _, name := range names {
					all = append(all, source{name: strings.ToLower(name), place: vs.At("spec", "http", i, "headers", "request", op, name), quiet: true})
				}
			}
		}
	}
	for _, u := range userConsumers(c) {
		for _, pod := range c.FrontPods() {
			if at, ok := c.ScriptNames(pod, u.header); ok {
				all = append(all, source{name: u.header, place: at, quiet: true})
			}
		}
	}
	return all
}

// A consumer is an application that reads the user out of a header.
type consumer struct {
	who    string
	header string // lower case
	value  *login.Setting
	prefix *login.Setting
}

func userConsumers(c *login.Chain) []consumer {
	var all []consumer
	for _, pod := range c.Pods {
		for i := range pod.Spec.Containers {
			env := c.Env(pod, pod.ContainerAt("containers", i), i)
			for _, names := range kubeflow.UserIDVariables() {
				if s := env[names[0]]; s.Known() && s.Text != "" && !isParty(c, pod) {
					all = append(all, consumer{who: pod.Owner.Key.String(), header: strings.ToLower(s.Text), value: s, prefix: env[names[1]]})
				}
			}
		}
	}
	return all
}

func isParty(c *login.Chain, pod *kubeflow.Pod) bool {
	return slices.ContainsFunc(c.Parties, func(p *login.Party) bool { return p.Pod.Owner == pod.Owner })
}

func checkHeaderNames(pass *checks.Pass, c *login.Chain, sources []source, consumers []consumer) {
	var set []string
	for _, s := range sources {
		if !slices.Contains(set, s.name) && !s.quiet {
			set = append(set, s.name)
		}
	}
	known := func(u consumer) bool {
		return slices.ContainsFunc(sources, func(s source) bool { return s.name == u.header })
	}
	same := !slices.ContainsFunc(consumers, func(u consumer) bool { return u.header != consumers[0].header })
	if same && !known(consumers[0]) {
		// The gateway is the odd one out.
		at := gatewayPlace(c, sources)
		if at.IsZero() {
			at = consumers[0].value.Place
		}
		pass.Reportf(at, "the login sets the headers %s, but %s and %d more read the user from %s", list(set), consumers[0].who, len(consumers)-1, consumers[0].header).
			See(consumers[0].value.Place, "where the applications learn the name")
		return
	}
	seen := reported{}
	for _, u := range consumers {
		if known(u) || !seen.first(u.value.Place, "") {
			continue
		}
		f := pass.Reportf(u.value.Place, "%s reads the user from the header %s; the login sets %s only", u.who, u.value.Show(), list(set))
		f.See(u.value.Via, "where it takes the name from")
		if len(sources) > 0 {
			f.See(gatewayPlace(c, sources), "what the login sets")
		}
	}
}

// gatewayPlace is where the login's header is named: the entry that is filled
// with who the user is.
func gatewayPlace(c *login.Chain, sources []source) inventory.Place {
	for _, claim := range []string{"email", "sub", "preferred_username"} {
		for _, s := range sources {
			if s.claim == claim {
				return s.place
			}
		}
	}
	for _, pod := range c.FrontPods() {
		for _, r := range c.RulesAt(pod) {
			return r.At("outputClaimToHeaders")
		}
	}
	for _, f := range c.Filters {
		return f.UpstreamHeadersPlace
	}
	return inventory.Place{}
}
