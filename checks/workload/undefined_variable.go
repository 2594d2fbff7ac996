package workload

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/internal/near"
	"github.com/kfpreflight/kfpreflight/internal/refs"
)

var undefinedVariable = &checks.Check{
	ID:       "workload/undefined-variable",
	Severity: checks.Warning,
	Doc: `command or probe uses a variable that the container does not have

` + "`$(VAR)`" + ` in a command, an argument or the value of a variable stands for a
variable of the same container; one that it does not have, or that stands further
down in the list, is left as it is, and the program gets the text $(VAR). In the
shell command of a probe an unknown variable is empty: a database probe that asks
as the wrong user kills a healthy pod.

Words in small letters are a shell's own, as in $(date). Shell variables are only
looked at in probes, where others of the same family (MYSQL_...) are set, and not
where the script sets or defaults them. Containers that take an environment which
is not rendered are left out, as are the variables that Kubernetes makes for each
Service.`,
	Fix: "Define the variable in the container's env, above where it is used.",
	Refs: []string{
		"https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/",
		"kubeflow/katib#1415",
		"kubeflow/katib#1212",
		"kubeflow/manifests#3310",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		checked := false
		for pod := range kubeflow.Pods(v) {
			for at, c := range pod.Containers() {
				names, known := variables(v, pod, c)
				if !known {
					continue
				}
				checked = true
				judge := func(place inventory.Place, text string, defined []string, where string) {
					for _, name := range references(text) {
						if slices.Contains(defined, name) || ofService(v, pod.Namespace, name) {
							continue
						}
						if slices.Contains(names, name) {
							pass.Reportf(place, "%s of container %s of %s uses $(%s), which stands further down: the text stays as it is", where, c.Name, pod.Owner.Key, name)
							continue
						}
						pass.Reportf(place, "%s of container %s of %s uses $(%s), which the container does not have%s", where, c.Name, pod.Owner.Key, name, near.Hint(name, names))
					}
				}
				for i, word := range c.Command {
					judge(at.At("command", i), word, names, "the command")
				}
				for i, word := range c.Args {
					judge(at.At("args", i), word, names, "an argument")
				}
				defined := slices.Clone(names[:len(names)-len(c.Env)])
				for i, e := range c.Env {
					judge(at.At("env", i, "value"), e.Value, defined, "variable "+e.Name)
					defined = append(defined, e.Name)
				}
				for _, p := range commandsOfProbes(c) {
					for i, word := range p.command {
						for _, name := range shellVariables(word) {
							if slices.Contains(names, name) || !family(name, names) {
								continue
							}
							pass.Reportf(at.At(p.path, "exec", "command", i), "the %s of container %s of %s uses %s, which the container does not have%s", p.what, c.Name, pod.Owner.Key, name, near.Hint(name, names))
						}
					}
				}
			}
		}
		if !checked {
			pass.NotApplicable()
		}
	},
}

// variables are the names of a container's environment, those of envFrom first;
// known is false where it takes one that is not rendered.
func variables(v *inventory.View, pod *kubeflow.Pod, c *corev1.Container) (names []string, known bool) {
	for _, from := range c.EnvFrom {
		kind, name := refs.ConfigMap, ""
		switch {
		case from.ConfigMapRef != nil:
			name = from.ConfigMapRef.Name
		case from.SecretRef != nil:
			kind, name = refs.Secret, from.SecretRef.Name
		}
		o := v.Get(kind, pod.Namespace, name)
		if o == nil {
			return nil, false
		}
		keys, ok := refs.Keys(o)
		if !ok {
			return nil, false
		}
		for _, key := range keys {
			names = append(names, from.Prefix+key)
		}
	}
	for _, e := range c.Env {
		names = append(names, e.Name)
	}
	return names, true
}

// references are the names in $(NAME), escaped ones left out.
func references(text string) []string {
	var names []string
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '$' {
			continue
		}
		if text[i+1] == '$' {
			i++
			continue
		}
		if text[i+1] != '(' {
			continue
		}
		end := strings.IndexByte(text[i:], ')')
		if end < 0 {
			break
		}
		if name := text[i+2 : i+end]; variableName.MatchString(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

var (
	variableName  = regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`)
	shellVariable = regexp.MustCompile(`\$\{?([A-Z][A-Z0-9_]+)([:}%#/-]?)`)
)

// shellVariables are those of a shell command that it neither sets nor gives a
// default.
func shellVariables(text string) []string {
	var names []string
	for _, m := range shellVariable.FindAllStringSubmatch(text, -1) {
		name := m[1]
		if m[2] == ":" || m[2] == "-" || strings.Contains(text, name+"=") || slices.Contains(names, name) || regexp.MustCompile(`\b(read|for)\s+(-\w+\s+)*`+name+`\b`).MatchString(text) {
			continue
		}
		names = append(names, name)
	}
	return names
}

// ofService reports whether Kubernetes makes a variable for a Service.
func ofService(v *inventory.View, namespace, name string) bool {
	if strings.HasSuffix(name, "_SERVICE_HOST") || strings.Contains(name, "_SERVICE_PORT") || strings.HasPrefix(name, "KUBERNETES_") {
		return true
	}
	service, _, ok := strings.Cut(name, "_PORT")
	return ok && v.Get(serviceKind.GroupKind(), namespace, strings.ReplaceAll(strings.ToLower(service), "_", "-")) != nil
}

// family reports whether another variable begins with the same word.
func family(name string, names []string) bool {
	word, _, ok := strings.Cut(name, "_")
	return ok && slices.ContainsFunc(names, func(other string) bool { return strings.HasPrefix(other, word+"_") })
}

type probeCommand struct {
	what    string
	path    inventory.Path
	command []string
}

func commandsOfProbes(c *corev1.Container) []probeCommand {
	var found []probeCommand
	for _, p := range []struct {
		name  string
		probe *corev1.Probe
	}{{"readiness", c.ReadinessProbe}, {"liveness", c.LivenessProbe}, {"startup", c.StartupProbe}} {
		if p.probe != nil && p.probe.Exec != nil {
			found = append(found, probeCommand{fmt.Sprintf("%s probe", p.name), inventory.Path{p.name + "Probe"}, p.probe.Exec.Command})
		}
	}
	return found
}
