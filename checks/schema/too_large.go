package schema

import (
	"encoding/json"

	"github.com/kfpreflight/kfpreflight/checks"
)

// maxRequest is etcd's --max-request-bytes, 1.5 MiB, the default that
// Kubernetes leaves as it is.
const maxRequest = 1536 * 1024

var tooLarge = &checks.Check{
	ID:       "schema/too-large",
	Severity: checks.Error,
	Doc: `an object larger than etcd takes

etcd refuses requests above 1.5 MiB ("etcdserver: request is too large"). Large
ConfigMaps and CRDs with several versions come near. Sizes are those of the
object as JSON; what the server stores is a little larger by managed fields.`,
	Fix:   "Split the object, or take descriptions out of the CRD's schema.",
	Refs:  []string{"https://etcd.io/docs/v3.5/dev-guide/limit/", "kubeflow/manifests#2914"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		for o := range pass.Render.All() {
			if n := jsonSize(o.Content()); n > maxRequest {
				pass.Reportf(o.At("metadata", "name"), "%s has %d bytes; etcd takes %d", o.Key, n, maxRequest)
			}
		}
	},
}

// jsonSize is the length of the object as kubectl writes it.
func jsonSize(content map[string]any) int {
	data, err := json.Marshal(content)
	if err != nil {
		return 0 // the server's verdict says what is wrong
	}
	return len(data)
}
