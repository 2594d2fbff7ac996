package webhook

import (
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/reach"
)

var blocksItsPods = &checks.Check{
	ID:       "webhook/blocks-its-pods",
	Severity: checks.Error,
	Doc: `webhook is asked about the very pods that answer it

A webhook that must not fail (failurePolicy Fail, the default) and whose rules and
selectors catch its own pods can never start again once none of them runs: their
creation waits for an answer that only they can give. A node that goes away, a
drain or the first apply is enough.

One that catches the pods of kube-system keeps the cluster's DNS, network and
storage from starting while it is down: a warning.

Webhooks that a namespaceSelector or objectSelector keeps from their own pods are
right, as upstream's all are; so are those with matchConditions, which may do the
same.`,
	Fix: "Exclude the webhook's own namespace or pods with namespaceSelector or objectSelector.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/cluster-administration/admission-webhooks-good-practices/#avoid-self-mutation",
		"https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#avoiding-operating-on-the-kube-system-namespace",
		"https://kubernetes.io/docs/concepts/cluster-administration/admission-webhooks-good-practices/",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		v := pass.Render
		n := reach.New(v, reach.Options{})
		system := reach.Labels{Set: labels.Set{"kubernetes.io/metadata.name": "kube-system"}}
		if set, ok := v.Namespace("kube-system"); ok {
			system.Set = set
		}
		each(pass, func(c *call) {
			h := c.hook
			if h == nil || h.FailurePolicy == "Ignore" || len(h.MatchConditions) > 0 || !createsPods(h.Rules) {
				return
			}
			for _, pod := range podsBehind(n, c) {
				if !selects(h.NamespaceSelector, pod.NamespaceLabels) || !selects(h.ObjectSelector, pod.Labels) {
					continue
				}
				pass.Reportf(hookPlace(c), "%s must answer before a pod of %s starts, which is what answers it", c.what, pod.Name).
					See(pod.Pod.At("metadata", "labels"), "the pods that its selectors do not leave out")
				return
			}
			if selects(h.NamespaceSelector, system) && selects(h.ObjectSelector, reach.Labels{}) {
				pass.Reportf(hookPlace(c), "%s must answer before any pod of namespace kube-system starts", c.what).As(checks.Warning)
			}
		})
	},
}

// hookPlace is the field that lets the webhook catch too much.
func hookPlace(c *call) inventory.Place {
	hook := inventory.Place{Object: c.Object, Path: c.client.Path[:len(c.client.Path)-1]}
	if c.hook.NamespaceSelector != nil {
		return hook.At("namespaceSelector")
	}
	return hook.At("name")
}

// selects reports whether a selector surely matches; none matches everything.
func selects(selector *metav1.LabelSelector, l reach.Labels) bool {
	if selector == nil {
		return true
	}
	surely, _ := reach.Match(selector, l)
	return surely
}

// createsPods reports whether rules catch the creation of pods.
func createsPods(rules []admissionv1.RuleWithOperations) bool {
	return slices.ContainsFunc(rules, func(r admissionv1.RuleWithOperations) bool {
		has := func(list []string, words ...string) bool {
			return slices.ContainsFunc(words, func(word string) bool { return slices.Contains(list, word) })
		}
		creates := slices.Contains(r.Operations, admissionv1.Create) || slices.Contains(r.Operations, admissionv1.OperationAll)
		scoped := r.Scope == nil || *r.Scope != admissionv1.ClusterScope
		return creates && scoped && has(r.APIGroups, "", "*") && has(r.APIVersions, "v1", "*") && has(r.Resources, "pods", "*", "*/*")
	})
}
