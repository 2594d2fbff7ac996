package images

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// A PullSecret is a reference to a Secret with the names and passwords of
// registries.
type PullSecret struct {
	Name string
	// Place is the reference; Owner the pod's owner or the ServiceAccount.
	Place inventory.Place
	Owner *inventory.Object
	// Path leads to what holds the list: a pod's spec, or nowhere.
	Path inventory.Path
}

// PullSecrets lists the references to pull secrets of an object: those of its
// pod, of every pod template in it, or of a ServiceAccount.
func PullSecrets(o *inventory.Object) []PullSecret {
	var found []PullSecret
	var walk func(value any, at inventory.Path)
	walk = func(value any, at inventory.Path) {
		switch value := value.(type) {
		case map[string]any:
			for _, key := range sortedKeys(value) {
				if key == "status" && len(at) == 0 || key == "metadata" && len(at) == 0 {
					continue
				}
				list, ok := value[key].([]any)
				if key != "imagePullSecrets" || !ok {
					walk(value[key], at.Join(key))
					continue
				}
				for i, item := range list {
					entry, _ := item.(map[string]any)
					if name, _ := entry["name"].(string); name != "" && !templated(name) {
						found = append(found, PullSecret{Name: name, Place: o.At(at, key, i, "name"), Owner: o, Path: at})
					}
				}
			}
		case []any:
			for i, item := range value {
				walk(item, at.Join(i))
			}
		}
	}
	walk(o.Content(), nil)
	return found
}

// Registries are the registries that a pull secret has passwords for, as it
// names them, sorted; ok is false where the Secret does not show them.
func Registries(secret *inventory.Object) (names []string, ok bool) {
	key := map[string]string{"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}[secret.String("type")]
	if key == "" || secret.Made != nil {
		return nil, false
	}
	text := secret.String("stringData", key)
	if text == "" {
		decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(secret.String("data", key)))
		if err != nil {
			return nil, false
		}
		text = string(decoded)
	}
	var auths map[string]json.RawMessage
	if key == ".dockercfg" {
		if json.Unmarshal([]byte(text), &auths) != nil {
			return nil, false
		}
	} else {
		var config struct {
			Auths map[string]json.RawMessage `json:"auths"`
		}
		if json.Unmarshal([]byte(text), &config) != nil {
			return nil, false
		}
		auths = config.Auths
	}
	return slices.Sorted(maps.Keys(auths)), true
}

// Covers reports whether the kubelet would use the password for a registry, as
// a pull secret names it, for an image (pkg/credentialprovider, URLsMatch).
func Covers(registry string, r Reference) bool {
	registry = strings.TrimPrefix(strings.TrimPrefix(registry, "https://"), "http://")
	host, folder, _ := strings.Cut(registry, "/")
	// Docker's own key ends in the version of its protocol.
	switch folder = strings.Trim(folder, "/"); folder {
	case "v1", "v2":
		folder = ""
	}
	if r.Registry == "docker.io" && (host == "index.docker.io" || host == "docker.io") {
		return true
	}
	wantHost, wantPort, _ := strings.Cut(host, ":")
	hasHost, hasPort, _ := strings.Cut(r.Registry, ":")
	wanted, has := strings.Split(wantHost, "."), strings.Split(hasHost, ".")
	if wantPort != hasPort || len(wanted) != len(has) {
		return false
	}
	for i := range wanted {
		if ok, err := path.Match(wanted[i], has[i]); err != nil || !ok {
			return false
		}
	}
	return strings.HasPrefix(r.Path, folder)
}
