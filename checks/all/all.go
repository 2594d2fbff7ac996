// Package all lists the families of checks in the order of the documentation.
package all

import (
	"slices"

	"github.com/kfpreflight/kfpreflight/checks/backup"
	"github.com/kfpreflight/kfpreflight/checks/image"
	"github.com/kfpreflight/kfpreflight/checks/istio"
	"github.com/kfpreflight/kfpreflight/checks/katib"
	"github.com/kfpreflight/kfpreflight/checks/knative"
	"github.com/kfpreflight/kfpreflight/checks/kserve"
	"github.com/kfpreflight/kfpreflight/checks/networkpolicy"
	"github.com/kfpreflight/kfpreflight/checks/notebooks"
	"github.com/kfpreflight/kfpreflight/checks/observability"
	"github.com/kfpreflight/kfpreflight/checks/oidc"
	"github.com/kfpreflight/kfpreflight/checks/pipelines"
	"github.com/kfpreflight/kfpreflight/checks/quota"
	"github.com/kfpreflight/kfpreflight/checks/rbac"
	"github.com/kfpreflight/kfpreflight/checks/schema"
	"github.com/kfpreflight/kfpreflight/checks/storage"
	"github.com/kfpreflight/kfpreflight/checks/training"
	"github.com/kfpreflight/kfpreflight/checks/webhook"
	"github.com/kfpreflight/kfpreflight/checks/workload"
)

// Checks are all checks, family by family.
var Checks = slices.Concat(
	schema.Checks,
	rbac.Checks,
	storage.Checks,
	networkpolicy.Checks,
	quota.Checks,
	oidc.Checks,
	workload.Checks,
	webhook.Checks,
	image.Checks,
	pipelines.Checks,
	katib.Checks,
	notebooks.Checks,
	training.Checks,
	istio.Checks,
	knative.Checks,
	kserve.Checks,
	observability.Checks,
	backup.Checks,
)
