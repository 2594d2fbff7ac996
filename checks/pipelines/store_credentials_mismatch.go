package pipelines

import (
	"encoding/base64"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/endpoint"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var storeCredentialsMismatch = &checks.Check{
	ID:       "pipelines/store-credentials-mismatch",
	Severity: checks.Error,
	Doc: `API server logs in with another password than the store has

The API server takes name and password of the object store from one place
(OBJECTSTORECONFIG_ACCESSKEY and _SECRETACCESSKEY) and the store from another
(MINIO_ACCESS_KEY or MINIO_ROOT_USER and its like). Where both are in the render
and differ, the API server ends with "Access Denied". The same holds for the
database: MySQL with MYSQL_ALLOW_EMPTY_PASSWORD and no password creates root
without one, and refuses a login with one.

Values are compared and never shown. What is not in the render, or is reached
outside of the cluster, is left out. A volume that holds data already keeps the
password that it was created with: then the finding is to be ignored.`,
	Fix:   "Let both take the password from the same key of the same Secret.",
	Refs:  []string{"https://www.kubeflow.org/docs/components/pipelines/operator-guides/configure-object-store/", "https://hub.docker.com/_/mysql"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		found := false
		for _, c := range containers(pass.Render) {
			if !c.is("kfp-api-server", "ml-pipeline/api-server") {
				continue
			}
			found = true
			objectStore(pass, c)
			mysql(pass, c)
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

func objectStore(pass *checks.Pass, api container) {
	host, _, known := kubeflow.EnvAt(pass.Render, api.pod, api.at, api.Container, "OBJECTSTORECONFIG_HOST")
	if !known || host == "" {
		host = "minio-service"
	}
	for _, pod := range endpoint.Resolve(pass.Render, api.pod.Namespace, host, 0).Pods {
		for at, c := range pod.Containers() {
			if store, ok := kubeflow.StoreOf(c); !ok || store.Title != "MinIO" {
				continue
			}
			server := container{Container: c, pod: pod, at: at}
			for _, pair := range [][3]string{{"OBJECTSTORECONFIG_ACCESSKEY", "MINIO_ACCESS_KEY", "MINIO_ROOT_USER"}, {"OBJECTSTORECONFIG_SECRETACCESSKEY", "MINIO_SECRET_KEY", "MINIO_ROOT_PASSWORD"}} {
				mine, mineAt, ok := secretValue(pass.Render, api, pair[0])
				theirs, theirsAt, ok2 := secretValue(pass.Render, server, pair[1])
				if !ok2 {
					theirs, theirsAt, ok2 = secretValue(pass.Render, server, pair[2])
				}
				if ok && ok2 && mine != theirs {
					pass.Reportf(mineAt, "%s logs in to the object store with another %s than %s has", api.pod.Owner.Key, pair[0], pod.Owner.Key).See(theirsAt, "the store's")
				}
			}
		}
	}
}

func mysql(pass *checks.Pass, api container) {
	host, _, known := kubeflow.EnvAt(pass.Render, api.pod, api.at, api.Container, "DBCONFIG_HOST")
	if !known || host == "" {
		return
	}
	user, _, userKnown := secretValue(pass.Render, api, "DBCONFIG_USER")
	password, passwordAt, passwordKnown := secretValue(pass.Render, api, "DBCONFIG_PASSWORD")
	if !userKnown || !passwordKnown || user != "root" {
		return
	}
	for _, pod := range endpoint.Resolve(pass.Render, api.pod.Namespace, host, 0).Pods {
		for at, c := range pod.Containers() {
			if store, ok := kubeflow.StoreOf(c); !ok || store.Title != "MySQL" {
				continue
			}
			server := container{Container: c, pod: pod, at: at}
			root, rootAt, rootKnown := secretValue(pass.Render, server, "MYSQL_ROOT_PASSWORD")
			_, emptyAt, empty := secretValue(pass.Render, server, "MYSQL_ALLOW_EMPTY_PASSWORD")
			switch {
			case rootKnown && root != password:
				pass.Reportf(passwordAt, "%s logs in to the database with another password than %s is given", api.pod.Owner.Key, pod.Owner.Key).See(rootAt, "the database's")
			case !rootKnown && empty && len(c.EnvFrom) == 0 && password != "" && !has(c, "MYSQL_ROOT_PASSWORD"):
				pass.Reportf(passwordAt, "%s logs in to the database with a password, while %s creates root without one", api.pod.Owner.Key, pod.Owner.Key).See(emptyAt, "MYSQL_ALLOW_EMPTY_PASSWORD")
			}
		}
	}
}

func has(c *corev1.Container, name string) bool {
	for i := range c.Env {
		if c.Env[i].Name == name {
			return true
		}
	}
	return false
}

// secretValue is the value of an environment variable, from a rendered Secret
// too, and the place of what sets it.
func secretValue(v *inventory.View, c container, name string) (string, inventory.Place, bool) {
	for i := len(c.Env) - 1; i >= 0; i-- {
		e := &c.Env[i]
		if e.Name != name || e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil {
			continue
		}
		r := e.ValueFrom.SecretKeyRef
		o := v.Get(secretKind, c.pod.Namespace, r.Name)
		if o == nil || o.Made != nil {
			return "", inventory.Place{}, false
		}
		if text, ok := o.Map("stringData")[r.Key].(string); ok {
			return text, c.at.At("env", i), true
		}
		text, ok := o.Map("data")[r.Key].(string)
		decoded, err := base64.StdEncoding.DecodeString(text)
		return string(decoded), c.at.At("env", i), ok && err == nil
	}
	return kubeflow.EnvAt(v, c.pod, c.at, c.Container, name)
}
