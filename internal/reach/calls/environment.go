package calls

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

// A setting is a named value that a container gets, and where it was written.
type setting struct {
	name, value string
	place       inventory.Place
	said        string // "env DB_HOST", "flag --db-host"
}

var configMaps = inventory.Kind[corev1.ConfigMap]{Group: corev1.GroupName, Name: "ConfigMap"}

// environment is what a container's env will hold: envFrom first, env over it,
// references to ConfigMaps resolved and $(VAR) expanded as the kubelet does.
// Values from Secrets are not read.
func environment(n *reach.Network, pod *reach.Peer, container inventory.Place, c *corev1.Container) []setting {
	v := n.View()
	var settings []setting
	at := map[string]int{}
	set := func(s setting) {
		if i, known := at[s.name]; known {
			settings[i] = s
			return
		}
		at[s.name] = len(settings)
		settings = append(settings, s)
	}
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef == nil {
			continue
		}
		cm, ok := configMaps.Get(v, pod.Namespace, from.ConfigMapRef.Name)
		if !ok {
			continue
		}
		for _, key := range sortedKeys(cm.Value.Data) {
			set(setting{from.Prefix + key, cm.Value.Data[key], cm.At("data", key), fmt.Sprintf("key %s of %s", key, cm.Key)})
		}
	}
	for i, e := range c.Env {
		s := setting{name: e.Name, place: container.At("env", i, "value"), said: fmt.Sprintf("env %s of %s", e.Name, pod.Name)}
		switch {
		case e.ValueFrom == nil:
			s.value = expand(e.Value, func(name string) (string, bool) {
				if j, known := at[name]; known {
					return settings[j].value, true
				}
				return serviceLink(n, pod, name)
			})
		case e.ValueFrom.ConfigMapKeyRef != nil:
			ref := e.ValueFrom.ConfigMapKeyRef
			if cm, ok := configMaps.Get(v, pod.Namespace, ref.Name); ok {
				s.value = cm.Value.Data[ref.Key]
				s.place = cm.At("data", ref.Key)
				s.said = fmt.Sprintf("key %s of %s (env %s)", ref.Key, cm.Key, e.Name)
			}
		case e.ValueFrom.FieldRef != nil:
			switch e.ValueFrom.FieldRef.FieldPath {
			case "metadata.namespace":
				s.value = pod.Namespace
			case "spec.serviceAccountName":
				s.value = pod.Pod.ServiceAccount()
			}
		}
		set(s)
	}
	return settings
}

// serviceLink is a variable that the kubelet sets for each Service of the
// pod's namespace. Only those of hosts and ports are used in addresses.
func serviceLink(n *reach.Network, pod *reach.Peer, name string) (string, bool) {
	if links := pod.Pod.Spec.EnableServiceLinks; links != nil && !*links {
		return "", false
	}
	for _, s := range n.Services() {
		if s.Key.Namespace != pod.Namespace || len(s.Value.Spec.Ports) == 0 {
			continue
		}
		prefix := strings.ToUpper(strings.ReplaceAll(s.Key.Name, "-", "_"))
		switch name {
		case prefix + "_SERVICE_HOST":
			return s.Key.Name, true // its address, for which the name stands here
		case prefix + "_SERVICE_PORT":
			return fmt.Sprint(s.Value.Spec.Ports[0].Port), true
		}
	}
	return "", false
}

// expand replaces $(VAR), as the kubelet does: $$ stands for $, and a variable
// that is not set stays as it is written.
func expand(text string, lookup func(string) (string, bool)) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '$' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		switch text[i+1] {
		case '$':
			b.WriteByte('$')
			i++
			continue
		case '(':
			if end := strings.IndexByte(text[i:], ')'); end > 0 {
				if value, ok := lookup(text[i+2 : i+end]); ok {
					b.WriteString(value)
					i += end
					continue
				}
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// words are the command line of a container, expanded, each with its place.
func words(container inventory.Place, c *corev1.Container, env []setting, pod string) []setting {
	lookup := func(name string) (string, bool) {
		for _, s := range env {
			if s.name == name {
				return s.value, true
			}
		}
		return "", false
	}
	var list []setting
	for _, part := range []struct {
		field string
		words []string
	}{{"command", c.Command}, {"args", c.Args}} {
		for i, word := range part.words {
			said := fmt.Sprintf("%s of %s", part.field, pod)
			list = append(list, setting{"", expand(word, lookup), container.At(part.field, i), said})
		}
	}
	return list
}

// flags reads a command line as named values: --db-host=mysql, --db-host mysql.
func flags(line []setting) []setting {
	var list []setting
	for i, word := range line {
		name, ok := strings.CutPrefix(word.value, "-")
		if !ok || strings.ContainsAny(name, " \n") {
			continue
		}
		name = strings.TrimPrefix(name, "-")
		s := setting{place: word.place, said: word.said}
		if before, after, found := strings.Cut(name, "="); found {
			s.name, s.value = before, after
		} else if i+1 < len(line) && !strings.HasPrefix(line[i+1].value, "-") {
			s.name, s.value, s.place = name, line[i+1].value, line[i+1].place
		} else {
			continue
		}
		s.name = strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(s.name))
		list = append(list, s)
	}
	return list
}

// mounted are the texts of the ConfigMaps that a container mounts.
func mounted(n *reach.Network, pod *reach.Peer, c *corev1.Container) []setting {
	var list []setting
	add := func(name string, items []corev1.KeyToPath) {
		cm, ok := configMaps.Get(n.View(), pod.Namespace, name)
		if !ok {
			return
		}
		for _, key := range sortedKeys(cm.Value.Data) {
			chosen, file := len(items) == 0, key
			for _, item := range items {
				if item.Key == key {
					chosen, file = true, item.Path
				}
			}
			if key == "mesh" || key == "meshNetworks" {
				continue // every proxy mounts it; who calls what it names is for Configured
			}
			if chosen && isConfiguration(key) && isConfiguration(file) {
				list = append(list, setting{"", cm.Value.Data[key], cm.At("data", key), fmt.Sprintf("%s in %s, which %s mounts", key, cm.Key, pod.Name)})
			}
		}
	}
	for i := range pod.Pod.Spec.Volumes {
		volume := &pod.Pod.Spec.Volumes[i]
		mounts := false
		for _, m := range c.VolumeMounts {
			mounts = mounts || m.Name == volume.Name
		}
		if !mounts {
			continue
		}
		if volume.ConfigMap != nil {
			add(volume.ConfigMap.Name, volume.ConfigMap.Items)
		}
		if volume.Projected != nil {
			for _, source := range volume.Projected.Sources {
				if source.ConfigMap != nil {
					add(source.ConfigMap.Name, source.ConfigMap.Items)
				}
			}
		}
	}
	return list
}

// isConfiguration tells files that say what their reader calls from programs,
// which name addresses for others too (the script of KFP's profile controller
// writes them into every profile), and from pages and pictures.
func isConfiguration(name string) bool {
	if name == "_example" {
		return false
	}
	for _, suffix := range []string{".py", ".js", ".ts", ".lua", ".go", ".html", ".css", ".svg", ".md", ".proto"} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	return true
}
