// Package login models the login chain of a platform as one unit: Dex, the
// relying party before the platform (oauth2-proxy or the older
// oidc-authservice), and what Istio does with their answers.
//
// [Read] takes everything from one render: configuration files out of mounted
// ConfigMaps and Secrets, environment and flags out of pod templates. Every
// value is a [Setting] that knows where it stands, so that a check that finds
// two of them in disagreement can name both lines. The package holds no
// verdicts: those are the checks'.
//
// Values of Secrets pass through here and must never reach a message.
package login
