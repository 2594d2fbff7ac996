package webhook

import (
	"slices"
	"strings"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
	"github.com/kfpreflight/kfpreflight/internal/refs"
)

// The annotations by which cert-manager's CA injector fills in a caBundle.
const (
	injectFrom       = "cert-manager.io/inject-ca-from"
	injectFromSecret = "cert-manager.io/inject-ca-from-secret"
	injectAPIServer  = "cert-manager.io/inject-apiserver-ca"
	allowInjection   = "cert-manager.io/allow-direct-injection"
)

// injected reports whether some injector fills in the object's caBundles.
// OpenShift has one of its own.
func injected(o *inventory.Object) bool {
	for key, value := range o.Annotations() {
		switch key {
		case injectFrom, injectFromSecret, "service.beta.openshift.io/inject-cabundle":
			return true
		case injectAPIServer:
			return value == "true"
		}
	}
	return false
}

// annotationAt is the place of an annotation.
func annotationAt(o *inventory.Object, key string) inventory.Place {
	return o.At("metadata", "annotations", key)
}

type certificate struct {
	Spec struct {
		SecretName     string   `json:"secretName"`
		CommonName     string   `json:"commonName"`
		DNSNames       []string `json:"dnsNames"`
		IssuerRef      issuer   `json:"issuerRef"`
		SecretTemplate struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"secretTemplate"`
	} `json:"spec"`
}

type issuer struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Group string `json:"group"`
}

// kind is Issuer where none is given.
func (i issuer) kind() string {
	if i.Kind == "" {
		return "Issuer"
	}
	return i.Kind
}

var certificates = inventory.Kind[certificate]{Group: "cert-manager.io", Name: "Certificate"}

// injectedCertificate is the Certificate that an object's CA is taken from.
func injectedCertificate(v *inventory.View, o *inventory.Object) (inventory.Typed[certificate], bool) {
	namespace, name, ok := strings.Cut(o.Annotations()[injectFrom], "/")
	if !ok {
		return inventory.Typed[certificate]{}, false
	}
	return certificates.Get(v, namespace, name)
}

// covers reports whether a certificate's names hold a host, wildcards included.
func covers(names []string, host string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		name = strings.ToLower(name)
		if rest, ok := strings.CutPrefix(name, "*."); ok {
			_, after, _ := strings.Cut(host, ".")
			return after == rest
		}
		return name == host
	})
}

// secretsOf are the Secrets that a pod mounts, by name and where it names them.
func secretsOf(pod *reach.Peer) (names []string, at map[string]inventory.Place) {
	at = map[string]inventory.Place{}
	for _, ref := range refs.OfPod(pod.Pod) {
		if ref.Kind == refs.Secret && slices.Contains(ref.Place.Path, any("volumes")) {
			if _, ok := at[ref.Name]; !ok {
				names = append(names, ref.Name)
				at[ref.Name] = ref.Place
			}
		}
	}
	return names, at
}

// speaksOf reports whether a pod's command line or environment holds a word.
func speaksOf(pod *reach.Peer, word string) bool {
	for _, c := range pod.Pod.Containers() {
		words := slices.Concat(c.Command, c.Args)
		for _, e := range c.Env {
			words = append(words, e.Value)
		}
		if slices.ContainsFunc(words, func(s string) bool { return strings.Contains(s, word) }) {
			return true
		}
	}
	return false
}

func imagesOf(pods []*reach.Peer) []string {
	var images []string
	for _, pod := range pods {
		for _, c := range slices.Concat(pod.Pod.Spec.InitContainers, pod.Pod.Spec.Containers) {
			images = append(images, c.Image)
		}
	}
	return images
}
