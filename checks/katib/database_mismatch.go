package katib

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/endpoint"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var databaseMismatch = &checks.Check{
	ID:       "katib/database-mismatch",
	Severity: checks.Error,
	Doc: `Katib's database manager does not find its database

katib-db-manager connects to the host, port and database in its environment
(KATIB_MYSQL_DB_HOST and its like; katib-mysql, 3306 and katib where they are not
set) and ends when it cannot. The host must be a Service of the render with that
port and a pod behind it, the database must be the one that MySQL creates
(MYSQL_DATABASE), and the password the one that MySQL is given: passwords are
compared and never shown.

Hosts outside of the cluster are left out, and databases of PostgreSQL.`,
	Fix:   "Make katib-db-manager and the database agree on host, port, database and password.",
	Refs:  []string{"https://www.kubeflow.org/docs/components/katib/user-guides/env-variables/", "kubeflow/katib#1415"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		found := false
		for pod := range kubeflow.Pods(v) {
			for at, c := range pod.Containers() {
				if !strings.Contains(c.Image, "katib-db-manager") {
					continue
				}
				found = true
				database(pass, pod, at, c)
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

func database(pass *checks.Pass, pod *kubeflow.Pod, at inventory.Place, c *corev1.Container) {
	v := pass.Render
	read := func(name, otherwise string) (string, inventory.Place, bool) {
		value, place, known := kubeflow.EnvAt(v, pod, at, c, name)
		switch {
		case known && value != "":
			return value, place, true
		case !place.IsZero() && !known, len(c.EnvFrom) > 0:
			return "", at, false
		}
		return otherwise, at.At("env"), true
	}
	if kind, _, known := read("DB_NAME", ""); !known || kind != "mysql" {
		return
	}
	defaults := kubeflow.KatibDatabase
	host, hostAt, known := read("KATIB_MYSQL_DB_HOST", defaults.Host)
	port, portAt, portKnown := read("KATIB_MYSQL_DB_PORT", defaults.Port)
	if !known || !portKnown {
		return
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		pass.Reportf(portAt, "%s looks for its database at port %q, which is no number", pod.Owner.Key, port)
		return
	}
	r := endpoint.Resolve(v, pod.Namespace, host, number)
	if problem := r.Problem(); problem != "" {
		place := hostAt
		if r.State == endpoint.NoPort {
			place = portAt
		}
		f := pass.Reportf(place, "%s looks for its database at %s:%s: %s", pod.Owner.Key, host, port, problem)
		if r.Doubtful {
			f.As(checks.Warning)
		}
		return
	}
	for _, behind := range r.Pods {
		for serverAt, server := range behind.Containers() {
			if store, ok := kubeflow.StoreOf(server); !ok || store.Title != "MySQL" {
				continue
			}
			name, nameAt, known := read("KATIB_MYSQL_DB_DATABASE", defaults.Database)
			created, createdAt, serverKnown := kubeflow.EnvAt(v, behind, serverAt, server, "MYSQL_DATABASE")
			if known && serverKnown && created != "" && created != name {
				pass.Reportf(nameAt, "%s uses database %s, while %s creates %s", pod.Owner.Key, name, behind.Owner.Key, created).See(createdAt, "MYSQL_DATABASE")
			}
			passwords(pass, pod, at, c, behind, serverAt, server)
		}
	}
}

// passwords compares where the root password comes from on both sides.
func passwords(pass *checks.Pass, pod *kubeflow.Pod, at inventory.Place, c *corev1.Container, server *kubeflow.Pod, serverAt inventory.Place, s *corev1.Container) {
	if user, _, known := kubeflow.EnvAt(pass.Render, pod, at, c, "DB_USER"); known && user != "" && user != "root" || !known && slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == "DB_USER" }) {
		return
	}
	mine, i := secretOf(c, "DB_PASSWORD")
	theirs, j := secretOf(s, "MYSQL_ROOT_PASSWORD")
	if mine == nil || theirs == nil || mine.Name == theirs.Name && mine.Key == theirs.Key {
		return
	}
	a, b := secretValue(pass.Render, pod.Namespace, mine), secretValue(pass.Render, server.Namespace, theirs)
	if a == "" || b == "" || a == b {
		return
	}
	pass.Reportf(at.At("env", i), "%s takes the password of its database from key %s of Secret %s, while %s is given another one, key %s of Secret %s", pod.Owner.Key, mine.Key, mine.Name, server.Owner.Key, theirs.Key, theirs.Name).
		See(serverAt.At("env", j), "MYSQL_ROOT_PASSWORD")
}

func secretOf(c *corev1.Container, name string) (*corev1.SecretKeySelector, int) {
	for i := len(c.Env) - 1; i >= 0; i-- {
		if c.Env[i].Name == name && c.Env[i].ValueFrom != nil && c.Env[i].ValueFrom.SecretKeyRef != nil {
			return c.Env[i].ValueFrom.SecretKeyRef, i
		}
	}
	return nil, 0
}

// secretValue is the encoded value of a rendered Secret's key.
func secretValue(v *inventory.View, namespace string, ref *corev1.SecretKeySelector) string {
	o := v.Get(inventory.GroupKind{Kind: "Secret"}, namespace, ref.Name)
	if o == nil || o.Made != nil {
		return ""
	}
	if text := o.String("stringData", ref.Key); text != "" {
		return base64.StdEncoding.EncodeToString([]byte(text))
	}
	return o.String("data", ref.Key)
}
