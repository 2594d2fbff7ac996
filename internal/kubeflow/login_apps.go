package kubeflow

// UserIDVariables are the environment variables by which Kubeflow's web
// applications and controllers learn the header that carries the user, each
// with the one that names the prefix of its value.
func UserIDVariables() [][2]string {
	return [][2]string{
		{"USERID_HEADER", "USERID_PREFIX"},
		{"KUBEFLOW_USERID_HEADER", "KUBEFLOW_USERID_PREFIX"},
	}
}

// SecureCookiesVariable makes the web applications of Kubeflow mark their
// cookies, the XSRF token among them, as for HTTPS only; true is their default.
const SecureCookiesVariable = "APP_SECURE_COOKIES"

// LogoutVariable is where the central dashboard's logout button leads.
const LogoutVariable = "LOGOUT_URL"
