package kserve

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/near"
)

var unreachableStorage = &checks.Check{
	ID:       "kserve/unreachable-storage",
	Severity: checks.Error,
	Doc: `model is loaded from a claim, account or key that is not there

The pods of the model do not start: a storageUri pvc://claim/path mounts a
PersistentVolumeClaim of the same namespace, serviceAccountName names the account
whose Secrets hold the credentials, and storage.key is a key of the Secret
storage-config (or the one that credentials in inferenceservice-config names). An
oci:// image needs enableModelcar in storageInitializer.

An account of the namespace that the render does not know is reported if it is
spelled nearly as one that it has; otherwise claims and accounts that users make
themselves may exist, and the answer is undecided.`,
	Fix:   "Name a claim, account or key of the InferenceService's namespace.",
	Refs:  []string{"https://kserve.github.io/website/docs/model-serving/storage/providers/pvc", "https://kserve.github.io/website/docs/model-serving/storage/providers/s3"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		inferenceServices(pass.Render, func(o *inventory.Object, _ string) {
			if account := o.String("spec", "predictor", "serviceAccountName"); account != "" {
				has, known := pass.Cluster.HasServiceAccount(o.Key.Namespace, account)
				missing(pass, o, o.At("spec", "predictor", "serviceAccountName"), "ServiceAccount", account, has, known)
			}
			m, ok := modelOf(o)
			if !ok {
				return
			}
			if rest, ok := strings.CutPrefix(m.storage, "pvc://"); ok {
				claim, _, _ := strings.Cut(rest, "/")
				missing(pass, o, o.At(m.at, "storageUri"), "PersistentVolumeClaim", claim, false, false)
			}
			if key := o.String(m.at.Join("storage", "key")); key != "" {
				storageKey(pass, o, o.At(m.at, "storage", "key"), key)
			}
			if c := configuration(pass.Render); strings.HasPrefix(m.storage, "oci://") && c != nil {
				initializer := resources{}
				if read(c, "storageInitializer", &initializer) && !initializer.EnableModelcar {
					f := pass.Reportf(o.At(m.at, "storageUri"), "%s loads its model from %s, but %s does not enable modelcars", o.Key, m.storage, c.Key)
					if doc, err := c.At("data", "storageInitializer").Document(); err == nil {
						f.See(doc.At("enableModelcar"), "where it is off")
					}
				}
			}
		})
	},
}

// missing reports an object of the InferenceService's namespace that will not
// exist.
func missing(pass *checks.Pass, o *inventory.Object, at inventory.Place, kind, name string, has, known bool) {
	gk := inventory.GroupKind{Kind: kind}
	if has || name == "" || pass.Render.Get(gk, o.Key.Namespace, name) != nil {
		return
	}
	var names []string
	elsewhere := ""
	for other := range pass.Render.LiveOf(gk) {
		if other.Key.Namespace == o.Key.Namespace {
			names = append(names, other.Key.Name)
		} else if other.Key.Name == name {
			elsewhere = other.Key.Namespace
		}
	}
	hint := near.Hint(name, names)
	if hint == "" && elsewhere != "" {
		hint = "; namespace " + elsewhere + " has one"
	}
	if hint != "" || known {
		pass.Reportf(at, "%s needs %s %s/%s, which does not exist%s", o.Key, kind, o.Key.Namespace, name, hint)
		return
	}
	pass.Undecidedf(at, "%s needs %s %s/%s, which the render does not hold", o.Key, kind, o.Key.Namespace, name)
}

func storageKey(pass *checks.Pass, o *inventory.Object, at inventory.Place, key string) {
	name := "storage-config"
	credentials := struct {
		Name string `json:"storageSpecSecretName"`
	}{}
	if c := configuration(pass.Render); c != nil && read(c, "credentials", &credentials) && credentials.Name != "" {
		name = credentials.Name
	}
	secret := pass.Render.Get(inventory.GroupKind{Kind: "Secret"}, o.Key.Namespace, name)
	if secret == nil {
		if has, known := pass.Cluster.HasSecret(o.Key.Namespace, name); !has && known {
			pass.Reportf(at, "%s takes its credentials from Secret %s/%s, which does not exist", o.Key, o.Key.Namespace, name)
		}
		return
	}
	var keys []string
	for _, field := range []string{"data", "stringData"} {
		for k := range secret.Map(field) {
			keys = append(keys, k)
		}
	}
	if !slices.Contains(keys, key) {
		slices.Sort(keys)
		pass.Reportf(at, "%s takes its credentials from the key %s, which %s does not have%s", o.Key, key, secret.Key, near.Hint(key, keys))
	}
}
