// Package oidc checks the login chain from gateway to identity provider as one unit.
package oidc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/login"
)

// Checks of the family.
var Checks = []*checks.Check{
	unregisteredRedirectURI,
	unknownClientID,
	clientSecretMismatch,
	duplicateClientID,
	issuerMismatch,
	placeholderIssuer,
	audienceMismatch,
	refusedScope,
	usersRefused,
	unreachableProviderURL,
	wrongProviderEndpoint,
	browserSentToClusterAddress,
	connectorRedirectMismatch,
	callbackNotRouted,
	loginPageNotRouted,
	loginPathGuarded,
	policyMissesGateway,
	undeclaredExtAuthzProvider,
	danglingExtAuthzService,
	tokenNotPassedOn,
	useridHeaderMismatch,
	gatewayNotRunning,
	gatewayCertificateMissing,
	hostNotServed,
	cookieNotSentBack,
	secureCookiesOverHTTP,
	cookieOutlivesToken,
	invalidCookieSecret,
	refusedProxyConfig,
	ignoredProxyVariable,
	refusedDexConfig,
	missingConfigFile,
	unsetEnvReference,
	missingDexNamespace,
	quotedValue,
	lineEndInValue,
	serviceMissesListener,
	mutualTLSOneSided,
	logoutURLNotServed,
	defaultPassword,
	profileOwnerCannotLogIn,
}

// read reads the login chain; without one the check is not applicable.
func read(pass *checks.Pass) *login.Chain {
	c := login.Read(pass.Render)
	if len(c.Dexes) == 0 && len(c.Parties) == 0 {
		pass.NotApplicable()
	}
	return c
}

// reported keeps a check from saying the same at the same place twice.
type reported map[string]bool

func (r reported) first(place inventory.Place, what string) bool {
	key := fmt.Sprint(place.Field(), place.Line, what)
	if place.Object != nil {
		key += place.Object.Key.String()
	}
	if r[key] {
		return false
	}
	r[key] = true
	return true
}

// list joins values for a message.
func list(values []string) string {
	if len(values) == 0 {
		return "none"
	}
	return strings.Join(values, ", ")
}

// shown are settings for a message.
func shown(settings []login.Setting) []string {
	var all []string
	for i := range settings {
		all = append(all, settings[i].Show())
	}
	return all
}

// sorted are the names of settings in order.
func sorted(settings map[string]*login.Setting) []string {
	var names []string
	for name := range settings {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// place is where a setting stands, or the container where it should be set.
func place(s *login.Setting, w *login.Workload) inventory.Place {
	if s == nil {
		return w.Place
	}
	return s.Place
}
