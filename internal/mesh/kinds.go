package mesh

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

// The kinds of Istio that the package reads.
var (
	GatewayKind               = inventory.Kind[GatewayObject]{Group: "networking.istio.io", Name: "Gateway"}
	VirtualServiceKind        = inventory.Kind[VirtualServiceObject]{Group: "networking.istio.io", Name: "VirtualService"}
	DestinationRuleKind       = inventory.Kind[DestinationRule]{Group: "networking.istio.io", Name: "DestinationRule"}
	ServiceEntryKind          = inventory.Kind[ServiceEntry]{Group: "networking.istio.io", Name: "ServiceEntry"}
	SidecarKind               = inventory.Kind[Sidecar]{Group: "networking.istio.io", Name: "Sidecar"}
	EnvoyFilterKind           = inventory.Kind[EnvoyFilter]{Group: "networking.istio.io", Name: "EnvoyFilter"}
	AuthorizationPolicyKind   = inventory.Kind[AuthorizationPolicy]{Group: "security.istio.io", Name: "AuthorizationPolicy"}
	PeerAuthenticationKind    = inventory.Kind[PeerAuthentication]{Group: "security.istio.io", Name: "PeerAuthentication"}
	RequestAuthenticationKind = inventory.Kind[RequestAuthentication]{Group: "security.istio.io", Name: "RequestAuthentication"}
)

// A Port is a port of a Gateway or a ServiceEntry.
type Port struct {
	Number   int32  `json:"number"`
	Name     string `json:"name"`
	Protocol string `json:"protocol"`
}

// GatewayObject is a Gateway as written.
type GatewayObject struct {
	Spec struct {
		Selector map[string]string `json:"selector"`
		Servers  []struct {
			Port  Port     `json:"port"`
			Bind  string   `json:"bind"`
			Hosts []string `json:"hosts"`
			TLS   *struct {
				Mode           string `json:"mode"`
				CredentialName string `json:"credentialName"`
				HTTPSRedirect  bool   `json:"httpsRedirect"`
			} `json:"tls"`
		} `json:"servers"`
	} `json:"spec"`
}

// StringMatch is how a text must be.
type StringMatch struct {
	Exact  string `json:"exact"`
	Prefix string `json:"prefix"`
	Regex  string `json:"regex"`
}

// HTTPMatch is one condition of an HTTP route.
type HTTPMatch struct {
	URI            *StringMatch           `json:"uri"`
	Scheme         *StringMatch           `json:"scheme"`
	Method         *StringMatch           `json:"method"`
	Authority      *StringMatch           `json:"authority"`
	Headers        map[string]StringMatch `json:"headers"`
	WithoutHeaders map[string]StringMatch `json:"withoutHeaders"`
	QueryParams    map[string]StringMatch `json:"queryParams"`
	Port           int32                  `json:"port"`
	SourceLabels   map[string]string      `json:"sourceLabels"`
	SourceNS       string                 `json:"sourceNamespace"`
	Gateways       []string               `json:"gateways"`
	IgnoreURICase  bool                   `json:"ignoreUriCase"`
}

// Destination is where a route leads.
type Destination struct {
	Host   string `json:"host"`
	Subset string `json:"subset"`
	Port   *struct {
		Number int32 `json:"number"`
	} `json:"port"`
}

// Route is an entry of http, tls or tcp.
type Route struct {
	Match []HTTPMatch `json:"match"`
	Route []struct {
		Destination Destination `json:"destination"`
	} `json:"route"`
	Mirror  *Destination `json:"mirror"`
	Mirrors []struct {
		Destination Destination `json:"destination"`
	} `json:"mirrors"`
	Delegate *struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"delegate"`
}

// VirtualServiceObject is a VirtualService as written.
type VirtualServiceObject struct {
	Spec struct {
		Hosts    []string `json:"hosts"`
		Gateways []string `json:"gateways"`
		ExportTo []string `json:"exportTo"`
		HTTP     []Route  `json:"http"`
		TCP      []Raw    `json:"tcp"`
		TLS      []Raw    `json:"tls"`
	} `json:"spec"`
}

// Raw is a route of TCP or TLS; its conditions are not HTTP's.
type Raw struct {
	Route []struct {
		Destination Destination `json:"destination"`
	} `json:"route"`
}

// TrafficTLS is how clients encrypt.
type TrafficTLS struct {
	Mode string `json:"mode"`
}

// TrafficPolicy is that of a DestinationRule or one of its subsets.
type TrafficPolicy struct {
	TLS               *TrafficTLS `json:"tls"`
	PortLevelSettings []struct {
		Port struct {
			Number int32 `json:"number"`
		} `json:"port"`
		TLS *TrafficTLS `json:"tls"`
	} `json:"portLevelSettings"`
}

// DestinationRule is one as written.
type DestinationRule struct {
	Spec struct {
		Host          string         `json:"host"`
		ExportTo      []string       `json:"exportTo"`
		TrafficPolicy *TrafficPolicy `json:"trafficPolicy"`
		Subsets       []struct {
			Name          string            `json:"name"`
			Labels        map[string]string `json:"labels"`
			TrafficPolicy *TrafficPolicy    `json:"trafficPolicy"`
		} `json:"subsets"`
		WorkloadSelector struct {
			MatchLabels map[string]string `json:"matchLabels"`
		} `json:"workloadSelector"`
	} `json:"spec"`
}

// ServiceEntry is one as written.
type ServiceEntry struct {
	Spec struct {
		Hosts []string `json:"hosts"`
		Ports []Port   `json:"ports"`
	} `json:"spec"`
}

// Sidecar is one as written.
type Sidecar struct {
	Spec struct {
		WorkloadSelector struct {
			Labels map[string]string `json:"labels"`
		} `json:"workloadSelector"`
		Egress []struct {
			Port  *Port    `json:"port"`
			Hosts []string `json:"hosts"`
		} `json:"egress"`
		OutboundTrafficPolicy *struct {
			Mode string `json:"mode"`
		} `json:"outboundTrafficPolicy"`
	} `json:"spec"`
}

// EnvoyFilter is one as written, as far as it says what it applies to.
type EnvoyFilter struct {
	Spec struct {
		WorkloadSelector struct {
			Labels map[string]string `json:"labels"`
		} `json:"workloadSelector"`
		ConfigPatches []struct {
			ApplyTo string `json:"applyTo"`
			Match   struct {
				Context  string `json:"context"`
				Listener struct {
					PortNumber  int32 `json:"portNumber"`
					FilterChain struct {
						Filter struct {
							Name      string `json:"name"`
							SubFilter struct {
								Name string `json:"name"`
							} `json:"subFilter"`
						} `json:"filter"`
					} `json:"filterChain"`
				} `json:"listener"`
			} `json:"match"`
			Patch struct {
				Operation string `json:"operation"`
			} `json:"patch"`
		} `json:"configPatches"`
	} `json:"spec"`
}

// Selector is that of a policy.
type Selector struct {
	MatchLabels map[string]string `json:"matchLabels"`
}

// Source is who calls, in a rule of an AuthorizationPolicy.
type Source struct {
	Principals           []string `json:"principals"`
	NotPrincipals        []string `json:"notPrincipals"`
	RequestPrincipals    []string `json:"requestPrincipals"`
	NotRequestPrincipals []string `json:"notRequestPrincipals"`
	Namespaces           []string `json:"namespaces"`
	NotNamespaces        []string `json:"notNamespaces"`
	ServiceAccounts      []string `json:"serviceAccounts"`
	NotServiceAccounts   []string `json:"notServiceAccounts"`
	IPBlocks             []string `json:"ipBlocks"`
	NotIPBlocks          []string `json:"notIpBlocks"`
	RemoteIPBlocks       []string `json:"remoteIpBlocks"`
	NotRemoteIPBlocks    []string `json:"notRemoteIpBlocks"`
}

// Operation is what is asked for.
type Operation struct {
	Hosts      []string `json:"hosts"`
	NotHosts   []string `json:"notHosts"`
	Ports      []string `json:"ports"`
	NotPorts   []string `json:"notPorts"`
	Methods    []string `json:"methods"`
	NotMethods []string `json:"notMethods"`
	Paths      []string `json:"paths"`
	NotPaths   []string `json:"notPaths"`
}

// AuthorizationRule is one rule of a policy.
type AuthorizationRule struct {
	From []struct {
		Source Source `json:"source"`
	} `json:"from"`
	To []struct {
		Operation Operation `json:"operation"`
	} `json:"to"`
	When []struct {
		Key       string   `json:"key"`
		Values    []string `json:"values"`
		NotValues []string `json:"notValues"`
	} `json:"when"`
}

// AuthorizationPolicy is one as written.
type AuthorizationPolicy struct {
	Spec struct {
		Selector   *Selector           `json:"selector"`
		TargetRef  map[string]any      `json:"targetRef"`
		TargetRefs []map[string]any    `json:"targetRefs"`
		Action     string              `json:"action"`
		Rules      []AuthorizationRule `json:"rules"`
	} `json:"spec"`
}

// Action is what the policy does with requests that its rules match.
func (p *AuthorizationPolicy) Action() string {
	if p.Spec.Action == "" {
		return "ALLOW"
	}
	return p.Spec.Action
}

// MTLS is a mode of mutual TLS.
type MTLS struct {
	Mode string `json:"mode"`
}

// PeerAuthentication is one as written.
type PeerAuthentication struct {
	Spec struct {
		Selector      *Selector       `json:"selector"`
		MTLS          *MTLS           `json:"mtls"`
		PortLevelMTLS map[string]MTLS `json:"portLevelMtls"`
	} `json:"spec"`
}

// RequestAuthentication is one as written.
type RequestAuthentication struct {
	Spec struct {
		Selector   *Selector        `json:"selector"`
		TargetRef  map[string]any   `json:"targetRef"`
		TargetRefs []map[string]any `json:"targetRefs"`
		JWTRules   []struct {
			Issuer string `json:"issuer"`
		} `json:"jwtRules"`
	} `json:"spec"`
}

func (s *Selector) labels() map[string]string {
	if s == nil {
		return nil
	}
	return s.MatchLabels
}

func hasPort(list string, port int32) bool {
	return slices.Contains(strings.Split(strings.ReplaceAll(list, " ", ""), ","), strconv.Itoa(int(port)))
}
