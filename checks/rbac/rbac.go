// Package rbac checks who may do what: roles, bindings and service accounts.
package rbac

import (
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// Checks of the family.
var Checks = []*checks.Check{
	wildcardVerbs,
}

var clusterRoles = inventory.Kind[rbacv1.ClusterRole]{Group: rbacv1.GroupName, Name: "ClusterRole"}
