package pipelines

import (
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/endpoint"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

var mysqlAuthentication = &checks.Check{
	ID:       "pipelines/mysql-authentication",
	Severity: checks.Error,
	Doc: `MySQL's version and its flags for authentication do not fit

MySQL 8.4 has no default_authentication_plugin any more: a server with that flag
does not start ("unknown variable"). It also switches mysql_native_password off,
which the metadata server of Kubeflow Pipelines (ml_metadata_store_server) needs:
the server must run with --mysql-native-password=ON. MySQL 9 has no such plugin at
all, and its server does not start with that flag.

Servers whose image's tag is no version are left out, and for the plugin those
that no metadata server calls. MariaDB has flags of its own.`,
	Fix:   "Run MySQL 8.4 with --mysql-native-password=ON and without --default-authentication-plugin.",
	Refs:  []string{"kubeflow/pipelines#9549", "kubeflow/pipelines#12086", "https://dev.mysql.com/doc/refman/8.4/en/mysql-nutshell.html"},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		list := containers(pass.Render)
		found := false
		for _, c := range list {
			if !c.is("mysql", "mysql-server") {
				continue
			}
			found = true
			version, err := semver.NewVersion(strings.SplitN(c.image.Tag, "-", 2)[0])
			if err != nil || !strings.Contains(c.image.Tag, ".") || version.LessThan(semver.MustParse("8.4.0")) {
				continue
			}
			native, nativeAt := flag(c, "mysql-native-password")
			if value, at := flag(c, "default-authentication-plugin"); value != "" {
				pass.Reportf(at, "%s runs MySQL %s with --default-authentication-plugin, which it does not know: it does not start", c.pod.Owner.Key, c.image.Tag)
			}
			switch nine := !version.LessThan(semver.MustParse("9.0.0")); {
			case nine && native != "":
				pass.Reportf(nativeAt, "%s runs MySQL %s with --mysql-native-password, which it does not know: it does not start", c.pod.Owner.Key, c.image.Tag)
			case !slices.Contains([]string{"on", "1", "true", "yes"}, strings.ToLower(native)):
				metadata(pass, list, c, nine)
			}
		}
		if !found {
			pass.NotApplicable()
		}
	},
}

// metadata reports the metadata servers that call a MySQL without the plugin.
func metadata(pass *checks.Pass, list []container, server container, nine bool) {
	for _, c := range list {
		if !c.is("ml_metadata_store_server") {
			continue
		}
		host, _, known := kubeflow.EnvAt(pass.Render, c.pod, c.at, c.Container, "MYSQL_HOST")
		if !known {
			continue
		}
		for _, behind := range endpoint.Resolve(pass.Render, c.pod.Namespace, host, 0).Pods {
			if behind.Owner != server.pod.Owner {
				continue
			}
			what := "does not switch mysql_native_password on"
			if nine {
				what = "has no mysql_native_password"
			}
			pass.Reportf(server.at.At("image"), "%s runs MySQL %s and %s, without which %s cannot log in", server.pod.Owner.Key, server.image.Tag, what, c.pod.Owner.Key).
				See(c.at.At("image"), "the metadata server")
		}
	}
}

// flag is the value of an option of the server, by either spelling; on where
// it has none.
func flag(c container, name string) (string, inventory.Place) {
	for _, list := range []struct {
		name  string
		words []string
	}{{"command", c.Command}, {"args", c.Args}} {
		for i, word := range list.words {
			option, value, has := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(word, "--"), "loose-"), "=")
			if !strings.HasPrefix(word, "--") || strings.ReplaceAll(option, "_", "-") != name || strings.HasPrefix(word, "--loose-") {
				continue
			}
			if !has {
				value = "on"
			}
			return value, c.at.At(list.name, i)
		}
	}
	return "", inventory.Place{}
}
