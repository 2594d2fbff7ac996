package kubeflow

import (
	"cmp"
	"slices"
	"strings"
)

// An OAuth2ProxyOption is a setting of oauth2-proxy as its configuration file
// names it. The environment variable is OAUTH2_PROXY_ and the same name in
// capitals.
type OAuth2ProxyOption struct {
	Name string
	Flag string
	Type string // "string", "bool", "int", "duration" or "list"
}

// OAuth2ProxyOptions are the settings that oauth2-proxy 7 knows, of all its
// releases so far (pkg/apis/options). It refuses to start with any other name
// in its configuration file.
func OAuth2ProxyOptions() []OAuth2ProxyOption { return oauth2ProxyOptions }

// OAuth2ProxyOptionOf finds an option by the name in the file, or by its flag.
func OAuth2ProxyOptionOf(name string) (OAuth2ProxyOption, bool) {
	for _, o := range oauth2ProxyOptions {
		if o.Name == name || o.Flag == name {
			return o, true
		}
	}
	return OAuth2ProxyOption{}, false
}

// oauth2ProxyLatest is the newest release that the table below was made for:
// what a later one knows is not known here.
const oauth2ProxyLatest = "7.15"

// OAuth2ProxyOptionsKnownUpTo is the release up to which the list is complete.
func OAuth2ProxyOptionsKnownUpTo() string { return oauth2ProxyLatest }

var oauth2ProxyOptions = func() []OAuth2ProxyOption {
	var options []OAuth2ProxyOption
	for kind, names := range map[string]string{
		"string": `acr_values approval_prompt auth_logging_format authenticated_emails_file azure_tenant azure_graph_group_field
			backend_logout_url banner basic_auth_password bitbucket_team bitbucket_repository client_id client_secret
			client_secret_file code_challenge_method force_code_challenge_method cookie_name cookie_path cookie_samesite
			cookie_csrf_samesite cookie_secret cookie_secret_file custom_sign_in_logo custom_templates_dir footer
			github_org github_team github_repo github_token google_admin_email google_service_account_json
			google_target_principal htpasswd_file http_address https_address jwt_key jwt_key_file logging_filename
			login_url metrics_address metrics_secure_address metrics_tls_cert_file metrics_tls_key_file oidc_email_claim
			oidc_groups_claim oidc_issuer_url oidc_jwks_url ping_path ping_user_agent profile_url prompt provider
			provider_display_name proxy_prefix pubjwk_url ready_path real_client_ip_header redeem_url redirect_url
			redis_ca_path redis_connection_url redis_password redis_sentinel_master_name redis_sentinel_password
			redis_username redis_iam_user_id redis_iam_replication_group_id redis_iam_region request_logging_format
			resource scope session_store_type signature_key standard_logging_format tls_cert_file tls_key_file
			tls_min_version user_id_claim validate_url request_id_header`,
		"bool": `allow_query_semicolons auth_logging bearer_token_login_fallback cookie_csrf_per_request cookie_httponly
			cookie_secure disable_keep_alives display_htpasswd_form encode_state entra_id_federated_token_auth
			errors_to_info_log force_https force_json_errors gcp_healthchecks
			google_use_application_default_credentials google_use_organization_id
			insecure_oidc_allow_unverified_email
			insecure_oidc_skip_issuer_verification insecure_oidc_skip_nonce logging_compress logging_local_time
			pass_access_token pass_authorization_header pass_basic_auth pass_host_header pass_user_headers
			prefer_email_to_user proxy_websockets redis_insecure_skip_tls_verify redis_use_cluster redis_use_sentinel
			redis_use_iam_auth redis_iam_serverless relative_redirect_url request_logging reverse_proxy sensitive_logging
			session_cookie_minimal set_authorization_header set_basic_auth set_xauthrequest show_debug_on_error
			silence_ping_logging skip_auth_preflight skip_auth_strip_headers skip_claims_from_profile_url
			skip_jwt_bearer_tokens skip_oidc_discovery skip_provider_button ssl_insecure_skip_verify
			ssl_upstream_insecure_skip_verify standard_logging use_system_trust_store`,
		"int": `cookie_csrf_per_request_limit logging_max_age logging_max_backups logging_max_size
			redis_connection_idle_timeout`,
		"duration": `cookie_csrf_expire cookie_expire cookie_refresh flush_interval upstream_timeout`,
		"list": `allowed_groups allowed_roles api_routes cookie_domains email_domains entra_id_allowed_tenants
			exclude_logging_paths extra_jwt_issuers github_users gitlab_groups gitlab_projects google_group google_groups
			htpasswd_user_groups keycloak_groups oidc_audience_claims oidc_extra_audiences oidc_public_key_files
			oidc_enabled_signing_algs provider_ca_files redis_cluster_connection_urls redis_sentinel_connection_urls
			skip_auth_regex skip_auth_routes tls_cipher_suites trusted_ips trusted_proxy_ips upstreams whitelist_domains`,
	} {
		for name := range strings.FieldsSeq(names) {
			flag := strings.ReplaceAll(name, "_", "-")
			if kind == "list" {
				// The flag of a list may be given many times and is singular,
				// but for those that end in what is no plural.
				switch name {
				case "extra_jwt_issuers", "redis_cluster_connection_urls", "redis_sentinel_connection_urls", "skip_auth_regex":
				default:
					flag = strings.TrimSuffix(flag, "s")
				}
			}
			options = append(options, OAuth2ProxyOption{Name: name, Flag: flag, Type: kind})
		}
	}
	slices.SortFunc(options, func(a, b OAuth2ProxyOption) int { return cmp.Compare(a.Name, b.Name) })
	return options
}()
