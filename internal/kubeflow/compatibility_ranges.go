package kubeflow

// CompatibilityDate is the day on which the published ranges below were read.
const CompatibilityDate = "2026-11-23"

// A Support is what one minor version of a part is published to run on. Empty
// is not known, or not limited.
type Support struct {
	// Kubernetes from and to which its makers support it; To is empty where
	// only a minimum is published.
	From, To string
	// Needs are the least versions of other parts, by their titles.
	Needs map[string]string
}

// A Supported is a part whose makers publish what it runs on.
type Supported struct {
	Title  string
	Images []string // ends of repositories
	Source string
	Minors map[string]Support
}

// SupportedParts are the parts with published ranges.
var SupportedParts = []Supported{
	{
		Title: "Istio", Images: []string{"pilot"}, Source: "https://istio.io/latest/docs/releases/supported-releases/",
		// From is the least tested one; below it istioctl and istiod refuse.
		Minors: map[string]Support{
			"1.16": {From: "1.16", To: "1.25"}, "1.17": {From: "1.16", To: "1.26"}, "1.18": {From: "1.20", To: "1.27"},
			"1.19": {From: "1.21", To: "1.28"}, "1.20": {From: "1.23", To: "1.29"}, "1.21": {From: "1.23", To: "1.29"},
			"1.22": {From: "1.23", To: "1.30"}, "1.23": {From: "1.23", To: "1.30"}, "1.24": {From: "1.23", To: "1.31"}, "1.25": {From: "1.24", To: "1.32"},
			"1.26": {From: "1.24", To: "1.33"}, "1.27": {From: "1.24", To: "1.33"}, "1.28": {From: "1.25", To: "1.34"},
			"1.29": {From: "1.26", To: "1.35"}, "1.30": {From: "1.27", To: "1.36"},
		},
	},
	{
		Title: "Knative Serving", Source: "https://endoflife.date/knative",
		// Its controllers refuse to start below: knative.dev/pkg/version.
		Minors: map[string]Support{
			"1.12": {From: "1.26"}, "1.13": {From: "1.27", Needs: map[string]string{"Istio": "1.20"}}, "1.14": {From: "1.28", Needs: map[string]string{"Istio": "1.20"}},
			"1.15": {From: "1.28", Needs: map[string]string{"Istio": "1.20"}}, "1.16": {From: "1.29", Needs: map[string]string{"Istio": "1.20"}},
			"1.17": {From: "1.30", Needs: map[string]string{"Istio": "1.20"}}, "1.18": {From: "1.31", Needs: map[string]string{"Istio": "1.20"}},
			"1.19": {From: "1.32", Needs: map[string]string{"Istio": "1.20"}}, "1.20": {From: "1.32", Needs: map[string]string{"Istio": "1.20"}},
			"1.21": {From: "1.33", Needs: map[string]string{"Istio": "1.20"}},
		},
	},
	{
		Title: "KServe", Images: []string{"kserve-controller"}, Source: "https://kserve.github.io/website/latest/admin/serverless/serverless",
		Minors: map[string]Support{
			"0.10": {From: "1.22", Needs: map[string]string{"Istio": "1.11", "Knative Serving": "1.4"}},
			"0.11": {From: "1.22", Needs: map[string]string{"Istio": "1.13", "cert-manager": "1.9"}},
			"0.13": {From: "1.22", Needs: map[string]string{"Istio": "1.13", "cert-manager": "1.9"}},
			"0.14": {From: "1.28", Needs: map[string]string{"Istio": "1.22", "cert-manager": "1.15"}},
			"0.15": {From: "1.30", Needs: map[string]string{"Istio": "1.22", "Knative Serving": "1.15", "cert-manager": "1.15"}},
		},
	},
	{
		Title: "cert-manager", Images: []string{"cert-manager-controller"}, Source: "https://cert-manager.io/docs/releases/",
		Minors: map[string]Support{
			"1.18": {From: "1.29", To: "1.33"}, "1.19": {From: "1.31", To: "1.35"}, "1.20": {From: "1.32", To: "1.35"}, "1.21": {From: "1.33", To: "1.36"},
		},
	},
}
