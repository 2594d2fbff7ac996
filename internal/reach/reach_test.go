package reach

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
	"github.com/kfpreflight/kfpreflight/render/manifest"
)

// The stage of most cases: a server in a, clients in a and b, and pods that
// are no pods to policies.
const stage = `
apiVersion: v1
kind: Namespace
metadata: {name: a, labels: {team: blue}}
---
apiVersion: v1
kind: Namespace
metadata: {name: b, labels: {team: red, env: test}}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: a, labels: {app: server, tier: back}}
spec:
  initContainers:
  - {name: proxy, image: x, restartPolicy: Always, ports: [{name: admin, containerPort: 15000}]}
  - {name: init, image: x, ports: [{name: setup, containerPort: 7000}]}
  containers:
  - name: main
    image: x
    ports:
    - {name: http, containerPort: 8080}
    - {name: dns, containerPort: 5353, protocol: UDP}
    - {name: sig, containerPort: 3868, protocol: SCTP}
---
apiVersion: v1
kind: Pod
metadata: {name: near, namespace: a, labels: {app: near}}
spec: {containers: [{name: main, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: far, namespace: b, labels: {app: far, role: client}}
spec: {containers: [{name: main, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: stranger, namespace: unrendered, labels: {app: far}}
spec: {containers: [{name: main, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: host, namespace: a, labels: {app: near}}
spec: {hostNetwork: true, containers: [{name: main, image: x, ports: [{name: http, containerPort: 8080}]}]}
---
`

func load(t *testing.T, options Options, texts ...string) *Network {
	t.Helper()
	objects, err := manifest.Parse("stage.yaml", []byte(strings.Join(texts, "\n---\n")))
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.New(objects)
	if err != nil {
		t.Fatal(err)
	}
	return New(kubeflow.Expand(inv).View(), options)
}

// policy writes a NetworkPolicy in namespace a from its spec.
func policy(name, spec string) string {
	return fmt.Sprintf("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: %s, namespace: a}\nspec: %s", name, spec)
}

func peer(t *testing.T, n *Network, name string) *Peer {
	t.Helper()
	switch name {
	case "apiserver":
		return n.APIServer()
	case "kubelet":
		return n.Kubelet()
	case "internet":
		return n.Outside("8.8.8.8", netip.MustParsePrefix("8.8.8.8/32"))
	case "anywhere":
		return n.Outside("anybody")
	case "user":
		return n.Representative("a user's pod", "a", Labels{Set: labels.Set{"app": "user"}, Carries: []string{"notebook-name"}, Open: true})
	}
	for _, p := range n.Pods() {
		if p.Owner().Key.Name == name {
			return p
		}
	}
	t.Fatalf("no peer %s", name)
	return nil
}

func port(text string) Port {
	p := Port{Protocol: corev1.ProtocolTCP}
	if text == "" {
		return p
	}
	if protocol, rest, ok := strings.Cut(text, "/"); ok {
		p.Protocol, text = corev1.Protocol(protocol), rest
	}
	for _, part := range strings.Split(text, "|") {
		var number int32
		fmt.Sscan(part, &number)
		p.Numbers = append(p.Numbers, number)
	}
	return p
}

func TestReach(t *testing.T) {
	const toServer = "podSelector: {matchLabels: {app: server}}"
	for _, c := range []struct {
		name     string
		policies []string
		options  Options
		// from>to:port=verdict, space-separated: verdicts are yes, no and maybe.
		want string
	}{
		{"no policy", nil, Options{}, "near>server:8080=yes far>server:8080=yes apiserver>server:8080=yes server>apiserver:443=yes"},
		{
			"policy of others",
			[]string{policy("p", "{podSelector: {matchLabels: {app: other}}}")}, Options{},
			"near>server:8080=yes",
		},
		{
			"empty podSelector selects all of the namespace and no other",
			[]string{policy("p", "{podSelector: {}}")}, Options{},
			"near>server:8080=no server>near:80=no near>far:80=yes server>far:80=yes apiserver>server:8080=no",
		},
		{
			"no podSelector is an empty one",
			[]string{policy("p", "{policyTypes: [Ingress]}")}, Options{},
			"near>server:8080=no",
		},
		{
			"no rules deny, as do empty rules",
			[]string{policy("p", "{"+toServer+", ingress: []}")}, Options{},
			"near>server:8080=no far>server:8080=no apiserver>server:8080=no kubelet>server:8080=yes server>near:80=yes",
		},
		{
			"a rule without anything admits everybody",
			[]string{policy("p", "{"+toServer+", ingress: [{}]}")}, Options{},
			"near>server:8080=yes far>server:8080=yes apiserver>server:8080=yes internet>server:5=yes far>server:UDP/53=yes",
		},
		{
			"an empty from admits everybody",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [], ports: [{port: 8080}]}]}")}, Options{},
			"far>server:8080=yes apiserver>server:8080=yes far>server:8081=no",
		},
		{
			"an empty list of ports is every port",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{podSelector: {}}], ports: []}]}")}, Options{},
			"near>server:1=yes near>server:SCTP/1=yes far>server:1=no",
		},
		{
			"podSelector is of the policy's own namespace",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{podSelector: {matchLabels: {role: client}}}]}]}")}, Options{},
			"far>server:8080=no near>server:8080=no",
		},
		{
			"empty podSelector in from is the namespace, never the API server",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{podSelector: {}}]}]}")}, Options{},
			"near>server:8080=yes far>server:8080=no apiserver>server:8080=no internet>server:8080=no host>server:8080=no",
		},
		{
			"empty namespaceSelector is every pod, never the API server",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{namespaceSelector: {}}]}]}")}, Options{},
			"near>server:8080=yes far>server:8080=yes stranger>server:8080=yes apiserver>server:8080=no internet>server:8080=no host>server:8080=no",
		},
		{
			"namespaces carry their names",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: b}}}]}]}")}, Options{},
			"far>server:8080=yes near>server:8080=no stranger>server:8080=no",
		},
		{
			"labels of a namespace that nobody rendered are unknown, but its name",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{namespaceSelector: {matchLabels: {team: red}}}]}]}")}, Options{},
			"far>server:8080=yes near>server:8080=no stranger>server:8080=maybe",
		},
		{
			"both selectors of one peer must match",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{namespaceSelector: {matchLabels: {team: red}}, podSelector: {matchLabels: {role: client}}}]}]}")}, Options{},
			"far>server:8080=yes near>server:8080=no stranger>server:8080=no",
		},
		{
			"selectors of two peers stand by themselves",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{namespaceSelector: {matchLabels: {team: green}}}, {podSelector: {matchLabels: {app: near}}}]}]}")}, Options{},
			"near>server:8080=yes far>server:8080=no",
		},
		{
			"expressions",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: team, operator: In, values: [red, green]}, {key: env, operator: Exists}, {key: gone, operator: DoesNotExist}, {key: env, operator: NotIn, values: [prod]}]}}]}]}")}, Options{},
			"far>server:8080=yes near>server:8080=no stranger>server:8080=maybe",
		},
		{
			"NotIn matches what lacks the label",
			[]string{policy("p", "{podSelector: {matchExpressions: [{key: tier, operator: NotIn, values: [back]}]}}")}, Options{},
			"far>near:80=no far>server:8080=yes",
		},
		{
			"policies add up",
			[]string{
				policy("p", "{"+toServer+", ingress: [{from: [{podSelector: {}}]}]}"),
				policy("q", "{podSelector: {}, ingress: []}"),
				policy("r", "{"+toServer+", ingress: [{ports: [{port: 8443}]}]}"),
			}, Options{},
			"near>server:8080=yes apiserver>server:8443=yes apiserver>server:8080=no far>server:8080=no far>near:80=no",
		},
		{
			"rules do not combine peers of one and ports of another",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}, {from: [{namespaceSelector: {}}], ports: [{port: 81}]}]}")}, Options{},
			"near>server:80=yes near>server:81=yes far>server:80=no far>server:81=yes",
		},
		{
			"protocols: TCP unless said",
			[]string{policy("p", "{"+toServer+", ingress: [{ports: [{port: 53}, {port: 54, protocol: UDP}, {protocol: SCTP}]}]}")}, Options{},
			"far>server:53=yes far>server:UDP/53=no far>server:UDP/54=yes far>server:54=no far>server:SCTP/9=yes far>server:9=no",
		},
		{
			"a port without a number is all of its protocol",
			[]string{policy("p", "{"+toServer+", ingress: [{ports: [{protocol: TCP}]}]}")}, Options{},
			"far>server:1=yes far>server:UDP/1=no",
		},
		{
			"endPort",
			[]string{policy("p", "{"+toServer+", ingress: [{ports: [{port: 8000, endPort: 8100}]}]}")}, Options{},
			"far>server:7999=no far>server:8000=yes far>server:8080=yes far>server:8100=yes far>server:8101=no far>server:UDP/8080=no",
		},
		{
			"named ports are the pod's, by protocol",
			[]string{policy("p", "{"+toServer+", ingress: [{ports: [{port: http}, {port: dns}, {port: sig, protocol: SCTP}, {port: admin}, {port: setup}]}]}")}, Options{},
			"far>server:8080=yes far>server:80=no far>server:UDP/5353=no far>server:5353=no far>server:SCTP/3868=yes far>server:15000=yes far>server:7000=no",
		},
		{
			"named UDP port",
			[]string{policy("p", "{"+toServer+", ingress: [{ports: [{port: dns, protocol: UDP}]}]}")}, Options{},
			"far>server:UDP/5353=yes far>server:5353=no",
		},
		{
			"named port that the pod lacks",
			[]string{policy("p", "{podSelector: {matchLabels: {app: near}}, ingress: [{ports: [{port: http}]}]}")}, Options{},
			"far>near:8080=no",
		},
		{
			"named port of a destination of an egress rule",
			[]string{policy("p", "{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: http}]}]}")}, Options{},
			"near>server:8080=yes near>server:80=no near>far:8080=no near>internet:80=no near>host:8080=no",
		},
		{
			"unknown and alternative ports",
			[]string{policy("p", "{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 443}]}]}")}, Options{},
			"near>apiserver:443=yes near>apiserver:443|6443=maybe near>apiserver:6443=no near>apiserver:=maybe near>apiserver:UDP/443=no",
		},
		{
			"an ipBlock of everything holds everybody",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}")}, Options{},
			"apiserver>server:8080=yes internet>server:8080=yes far>server:8080=yes host>server:8080=yes",
		},
		{
			"an ipBlock of some depends on unknown addresses",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}")}, Options{},
			"apiserver>server:8080=maybe internet>server:8080=no far>server:8080=maybe host>server:8080=maybe",
		},
		{
			"except",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8, 8.8.0.0/16]}}]}]}")}, Options{},
			"apiserver>server:8080=maybe internet>server:8080=no",
		},
		{
			"except of what nobody connects from",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}}]}]}")}, Options{},
			"apiserver>server:8080=yes internet>server:8080=yes",
		},
		{
			"an ipBlock of what nobody connects from",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{ipBlock: {cidr: 127.0.0.1/32}}]}]}")}, Options{},
			"apiserver>server:8080=no far>server:8080=no internet>server:8080=no",
		},
		{
			"known addresses",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}]}")},
			Options{APIServer: prefixes("10.2.0.1/32"), Nodes: prefixes("10.0.0.0/15"), Pods: prefixes("10.1.0.0/17")},
			"apiserver>server:8080=yes host>server:8080=maybe far>server:8080=no",
		},
		{
			"several known addresses",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{ipBlock: {cidr: 10.2.0.1/32}}]}]}")},
			Options{APIServer: prefixes("10.2.0.1/32", "10.2.0.2/32")},
			"apiserver>server:8080=maybe",
		},
		{
			"IPv6",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{ipBlock: {cidr: 'fd00::/8'}}]}]}")},
			Options{APIServer: prefixes("fd00::1/128"), Pods: prefixes("10.0.0.0/8")},
			"apiserver>server:8080=yes far>server:8080=no",
		},
		{
			"a peer beside an ipBlock",
			[]string{policy("p", "{"+toServer+", ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}, {podSelector: {}}]}]}")}, Options{},
			"near>server:8080=yes",
		},
		{
			"policies do not apply to host-network pods",
			[]string{policy("p", "{podSelector: {}, policyTypes: [Ingress, Egress]}")}, Options{},
			"far>host:8080=yes host>far:80=yes host>server:8080=no",
		},
		{
			"egress alone leaves ingress open",
			[]string{policy("p", "{podSelector: {}, policyTypes: [Egress]}")}, Options{},
			"far>server:8080=yes near>server:8080=no server>far:80=no server>apiserver:443=no server>kubelet:10250=yes",
		},
		{
			"egress rules make egress count where policyTypes is absent",
			[]string{policy("p", "{podSelector: {matchLabels: {app: near}}, egress: [{to: [{podSelector: {}}]}]}")}, Options{},
			"near>server:8080=yes near>far:80=no far>near:80=no",
		},
		{
			"no egress rules leave egress open where policyTypes is absent",
			[]string{policy("p", "{podSelector: {matchLabels: {app: near}}, egress: []}")}, Options{},
			"near>far:80=yes",
		},
		{
			"rules that policyTypes leaves out are ignored",
			[]string{policy("p", "{"+toServer+", policyTypes: [Ingress], ingress: [{}], egress: [{to: [{podSelector: {}}]}]}")}, Options{},
			"server>far:80=yes",
		},
		{
			"rules of ingress that policyTypes leaves out are ignored",
			[]string{policy("p", "{"+toServer+", policyTypes: [Egress], ingress: [{from: [{podSelector: {}}]}], egress: [{}]}")}, Options{},
			"far>server:8080=yes server>far:80=yes",
		},
		{
			"both sides must let it pass",
			[]string{
				policy("p", "{"+toServer+", ingress: [{from: [{podSelector: {}}]}]}"),
				policy("q", "{podSelector: {matchLabels: {app: near}}, policyTypes: [Egress], egress: [{ports: [{port: 8080}]}]}"),
			}, Options{},
			"near>server:8080=yes near>server:8081=no near>far:8080=yes near>far:80=no",
		},
		{
			"denied on one side is denied, whatever the other depends on",
			[]string{
				policy("p", "{"+toServer+", ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}"),
				policy("q", "{podSelector: {matchLabels: {app: near}}, policyTypes: [Egress]}"),
			}, Options{},
			"near>server:8080=no",
		},
		{
			"egress to what is outside",
			[]string{policy("p", "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 8.8.8.0/24}}]}]}")}, Options{},
			"near>internet:53=yes near>server:8080=maybe near>apiserver:443=maybe near>anywhere:1=maybe",
		},
		{
			"a pod reaches itself",
			[]string{policy("p", "{podSelector: {}, policyTypes: [Ingress, Egress]}")}, Options{},
			"server>server:8080=yes",
		},
		{
			"a pod whose labels users choose",
			[]string{policy("p", "{podSelector: {matchLabels: {colour: green}}}")}, Options{},
			"far>user:8888=maybe",
		},
		{
			"a pod whose labels users choose, all of whose policies let it pass",
			[]string{
				policy("p", "{podSelector: {matchLabels: {colour: green}}, ingress: [{}]}"),
				policy("q", "{podSelector: {matchLabels: {colour: red}}, ingress: [{from: [{namespaceSelector: {}}]}]}"),
			}, Options{},
			"far>user:8888=yes apiserver>user:8888=maybe",
		},
		{
			"labels that a user's pod surely carries",
			[]string{policy("p", "{podSelector: {matchExpressions: [{key: notebook-name, operator: Exists}]}}"), policy("q", "{podSelector: {matchLabels: {app: other}}}")}, Options{},
			"far>user:8888=no",
		},
		{
			"labels that a user's pod surely carries with some value",
			[]string{policy("p", "{podSelector: {matchExpressions: [{key: notebook-name, operator: DoesNotExist}]}}"), policy("q", "{podSelector: {matchLabels: {notebook-name: mine}}}")}, Options{},
			"far>user:8888=maybe",
		},
		{
			"surely selected, perhaps let pass",
			[]string{policy("p", "{podSelector: {}}"), policy("q", "{podSelector: {matchLabels: {colour: green}}, ingress: [{}]}")}, Options{},
			"far>user:8888=maybe",
		},
		{
			"named ports that a user's pod may have",
			[]string{policy("p", "{podSelector: {}, ingress: [{ports: [{port: notebook}]}]}")}, Options{},
			"far>user:8888=maybe",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := load(t, c.options, append([]string{stage}, c.policies...)...)
			for want := range strings.FieldsSeq(c.want) {
				ends, verdict, _ := strings.Cut(want, "=")
				from, rest, _ := strings.Cut(ends, ">")
				to, number, _ := strings.Cut(rest, ":")
				answer := n.Reach(peer(t, n, from), peer(t, n, to), port(number))
				if expected := map[string]Verdict{"yes": Allowed, "no": Denied, "maybe": Undecided}[verdict]; answer.Verdict != expected {
					t.Errorf("%s: got %s (%s), want %s", ends, answer.Verdict, answer.Why, expected)
				}
				if answer.Verdict != Allowed && (answer.Place.IsZero() || answer.Why == "" || len(answer.Isolating) == 0) {
					t.Errorf("%s: %s without a reason: %+v", ends, answer.Verdict, answer)
				}
			}
		})
	}
}

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func TestNearest(t *testing.T) {
	const admitNear = "{podSelector: {matchLabels: {app: server}}, ingress: [{from: [{podSelector: {matchLabels: {app: near}}}]}]}"
	for _, c := range []struct {
		name     string
		policies []string
		ends     string
		field    string // policy field
		why      string
	}{
		{"port", []string{policy("p", "{podSelector: {matchLabels: {app: server}}, ingress: [{ports: [{port: 8443}]}]}")}, "apiserver>server:8080", "p spec.ingress[0].ports[0].port", "its rule covers only TCP 8443"},
		{"ports", []string{policy("p", "{podSelector: {matchLabels: {app: server}}, ingress: [{ports: [{port: 8443}, {port: 9, protocol: UDP}]}]}")}, "far>server:8080", "p spec.ingress[0].ports", "its rule covers only TCP 8443, UDP 9"},
		{"from", []string{policy("p", admitNear)}, "far>server:8080", "p spec.ingress[0].from", "its rule names no peer in from that is Pod b/far"},
		{"from of the API server", []string{policy("p", admitNear)}, "apiserver>server:8080", "p spec.ingress[0].from", "its rule names only pods in from, and the API server is none"},
		{"the policy that was meant before the general one", []string{policy("all", "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}"), policy("p", "{podSelector: {matchLabels: {app: server}}, ingress: [{ports: [{port: 8443}]}]}")}, "apiserver>server:8080", "p spec.ingress[0].ports[0].port", "its rule covers only TCP 8443"},
		{"no rule", []string{policy("p", "{podSelector: {}, policyTypes: [Egress, Ingress]}")}, "far>server:8080", "p spec.policyTypes[1]", "it has no ingress rule"},
		{"no rule, written", []string{policy("p", "{podSelector: {}, ingress: []}")}, "far>server:8080", "p spec.ingress", "it has no ingress rule"},
		{"misspelled namespace", []string{policy("p", "{podSelector: {}, ingress: [{from: [{podSelector: {}}, {namespaceSelector: {matchExpressions: [{key: team, operator: In, values: [blue, redd]}]}}]}]}")}, "far>server:8080", "p spec.ingress[0].from", "its rule names no peer in from that is Pod b/far"},
		{"misspelled long value", []string{policy("p", "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: env, operator: In, values: [tset]}]}}]}]}")}, "far>server:8080", "p spec.ingress[0].from[0].namespaceSelector.matchExpressions[0].values[0]", `its rule does not admit Pod b/far: env is "test" there, not "tset"`},
		{"other label", []string{policy("p", "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubeflow.org/team: red}}}]}]}")}, "far>server:8080", "p spec.ingress[0].from[0].namespaceSelector.matchLabels[kubeflow.org/team]", "its rule does not admit Pod b/far: the label is called team there, not kubeflow.org/team"},
		{"and instead of or", []string{policy("p", "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: red}}, podSelector: {matchLabels: {app: near}}}]}]}")}, "far>server:8080", "p spec.ingress[0].from[0].podSelector", "its rule admits the namespace of Pod b/far, but not its labels"},
		{"a policy that would let it pass if it selected the pod", []string{policy("all", "{podSelector: {}}"), policy("p", "{podSelector: {matchLabels: {app: sevrer}}, ingress: [{}]}")}, "far>server:8080", "p spec.podSelector.matchLabels.app", `it would let the connection pass, but selects no pod: app is "server" there, not "sevrer"`},
		{"a policy that would let it pass if it were here", []string{policy("all", "{podSelector: {}}"), strings.Replace(policy("p", "{podSelector: {matchLabels: {app: server}}, ingress: [{}]}"), "namespace: a", "namespace: b", 1)}, "far>server:8080", "p metadata.namespace", "it would let the connection pass if it were in namespace a"},
		{"rules that policyTypes leaves out", []string{policy("all", "{podSelector: {}}"), policy("p", "{podSelector: {}, policyTypes: [Egress], egress: [{}], ingress: [{}]}")}, "far>server:8080", "p spec.policyTypes", "its ingress rules let the connection pass, but policyTypes leaves ingress out"},
		{"second rule", []string{policy("p", "{podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 1}]}, {ports: [{port: 2}]}]}")}, "far>server:8080", "p spec.ingress[1].ports[0].port", "its second rule covers only TCP 2"},
		{"egress", []string{policy("p", "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}]}")}, "near>far:80", "p spec.egress[0].to", "its rule names no peer in to that is Pod b/far"},
		{"address", []string{policy("p", "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 127.0.0.0/8}}]}]}")}, "apiserver>server:80", "p spec.ingress[0].from[0].ipBlock", "its rule admits only 127.0.0.0/8 in from"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := load(t, Options{}, append([]string{stage}, c.policies...)...)
			from, rest, _ := strings.Cut(c.ends, ">")
			to, number, _ := strings.Cut(rest, ":")
			answer := n.Reach(peer(t, n, from), peer(t, n, to), port(number))
			if answer.Verdict != Denied {
				t.Fatalf("got %s", answer.Verdict)
			}
			if got := answer.Policy.Key.Name + " " + answer.Place.Field(); got != c.field || answer.Why != c.why {
				t.Errorf("got  %s: %s\nwant %s: %s", got, answer.Why, c.field, c.why)
			}
		})
	}
}

func TestBackends(t *testing.T) {
	const services = `
apiVersion: v1
kind: Service
metadata: {name: plain, namespace: a}
spec: {selector: {app: server}, ports: [{name: web, port: 80, targetPort: 8080}, {name: same, port: 9000}, {name: named, port: 81, targetPort: http}, {name: gone, port: 82, targetPort: nosuch}, {name: dns, port: 53, protocol: UDP, targetPort: dns}]}
---
apiVersion: v1
kind: Service
metadata: {name: headless, namespace: a}
spec: {clusterIP: None, selector: {app: server}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: alias, namespace: b}
spec: {type: ExternalName, externalName: plain.a.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: outside, namespace: b}
spec: {type: ExternalName, externalName: db.example.com}
---
apiVersion: v1
kind: Service
metadata: {name: manual, namespace: b}
spec: {ports: [{name: db, port: 3306, targetPort: 1}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: manual, namespace: b}
subsets: [{addresses: [{ip: 192.168.7.7}], ports: [{name: db, port: 13306}]}]
---
apiVersion: v1
kind: Service
metadata: {name: sliced, namespace: b}
spec: {ports: [{port: 3306}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: sliced-1, namespace: b, labels: {kubernetes.io/service-name: sliced}}
addressType: IPv4
endpoints: [{addresses: [192.168.7.8]}]
ports: [{name: "", port: 13306, protocol: TCP}]
---
apiVersion: v1
kind: Service
metadata: {name: empty, namespace: a}
spec: {selector: {app: nobody}, ports: [{port: 80}]}
`
	n := load(t, Options{}, stage, services)
	for _, c := range []struct {
		host, from string
		port       int32
		protocol   corev1.Protocol
		want       string
	}{
		{"plain", "a", 80, "", "Pod a/server TCP 8080"},
		{"plain.a", "b", 80, "TCP", "Pod a/server TCP 8080"},
		{"plain.a.svc", "b", 9000, "", "Pod a/server TCP 9000"},
		{"plain.a.svc.cluster.local", "b", 81, "", "Pod a/server TCP 8080"},
		{"PLAIN.a.svc.cluster.local.", "b", 81, "", "Pod a/server TCP 8080"},
		{"plain.a.svc.cluster.local", "b", 82, "", ""},
		{"plain.a.svc.cluster.local", "b", 83, "", ""},
		{"plain", "a", 53, "UDP", "Pod a/server UDP 5353"},
		{"plain", "a", 53, "TCP", ""},
		{"plain", "b", 80, "", "no service"},
		{"plain.a.svc.other.domain", "b", 80, "", "no service"},
		{"example.com", "b", 80, "", "no service"},
		{"headless.a", "b", 80, "", "Pod a/server TCP 80"},
		{"headless.a", "b", 8080, "", "Pod a/server TCP 8080"},
		{"pod-0.headless.a.svc", "b", 8080, "", "Pod a/server TCP 8080"},
		{"pod-0.plain.a.svc", "b", 80, "", "no service"},
		{"alias", "b", 80, "", "Pod a/server TCP 8080"},
		{"outside", "b", 5432, "", "db.example.com TCP 5432"},
		{"manual", "b", 3306, "", "192.168.7.7 TCP 13306"},
		{"sliced", "b", 3306, "", "192.168.7.8 TCP 13306"},
		{"empty", "a", 80, "", ""},
	} {
		s, ok := n.Lookup(c.host, c.from)
		got := "no service"
		if ok {
			var list []string
			for _, b := range n.Backends(s, c.port, c.protocol) {
				list = append(list, b.Peer.Name+" "+b.Port.String())
			}
			got = strings.Join(list, ", ")
		}
		if got != c.want {
			t.Errorf("%s:%d from %s: got %q, want %q", c.host, c.port, c.from, got, c.want)
		}
	}
}

func TestSimilar(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"istio-system", "istio-sytem", true},
		{"istio-system", "istio_system", true},
		{"istio-system", "Istio-System", true},
		{"kubeflow-profile", "kubeflow-profiles", true},
		{"katib-ui", "katib-iu", true},
		{"ml-pipeline", "ml-pipeline-ui", false},
		{"ml-pipeline-ui", "ml-pipeline", false},
		{"kubeflow", "kubeflow-profile", false},
		{"ui", "iu", false},
		{"v1beta1", "v1beta2", false},
		{"dex", "dev", false},
		{"webhook", "webhook", false},
		{"", "a", false},
		{"training-operator", "spark-operator", false},
	} {
		if got := Similar(c.a, c.b); got != c.want {
			t.Errorf("Similar(%q, %q) = %v", c.a, c.b, got)
		}
	}
}

// TestMatchAgrees compares the selectors with the API machinery's own, over
// every selector of one and two conditions and every set of two labels.
func TestMatchAgrees(t *testing.T) {
	var conditions []metav1.LabelSelectorRequirement
	for _, key := range []string{"app", "tier"} {
		for _, values := range [][]string{{"a"}, {"b"}, {"a", "b"}} {
			conditions = append(conditions,
				metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpIn, Values: values},
				metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpNotIn, Values: values})
		}
		conditions = append(conditions,
			metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpExists},
			metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpDoesNotExist})
	}
	var sets []labels.Set
	for _, app := range []string{"", "a", "b", "c"} {
		for _, tier := range []string{"", "a", "b"} {
			set := labels.Set{}
			if app != "" {
				set["app"] = app
			}
			if tier != "" {
				set["tier"] = tier
			}
			sets = append(sets, set)
		}
	}
	for _, first := range conditions {
		for _, second := range conditions {
			for _, matchLabels := range []map[string]string{nil, {"app": "a"}} {
				selector := &metav1.LabelSelector{MatchLabels: matchLabels, MatchExpressions: []metav1.LabelSelectorRequirement{first, second}}
				real, err := metav1.LabelSelectorAsSelector(selector)
				if err != nil {
					t.Fatal(err)
				}
				for _, set := range sets {
					if got, want := match(selector, Labels{Set: set}), truthOf(real.Matches(set)); got != want {
						t.Fatalf("%v on %v: got %v, want %v", selector, set, got, want)
					}
					// What is known of the labels never contradicts them.
					for key := range set {
						part := maps.Clone(set)
						delete(part, key)
						want := truthOf(real.Matches(set))
						for _, known := range []Labels{{Set: part, Open: true}, {Set: part, Carries: []string{key}}} {
							if got := match(selector, known); got != maybe && got != want {
								t.Fatalf("%v on %v, of which %v is known: got %v", selector, set, known, got)
							}
						}
					}
				}
			}
		}
	}
}
