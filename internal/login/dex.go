package login

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
	"github.com/kfpreflight/kfpreflight/internal/kubeflow"
)

// A Workload is one container of the login chain.
type Workload struct {
	Pod       *kubeflow.Pod
	Container *corev1.Container
	Place     inventory.Place // of the container
	Env       Env
	// Opaque names a source of environment variables that the render does not
	// hold, if any: what is not in Env may come from there.
	Opaque string
}

// Name is the object that runs the container.
func (w *Workload) Name() string { return w.Pod.Owner.Key.String() }

// Dex is an identity provider of the render.
type Dex struct {
	Workload
	// Config is the configuration file, unknown where the render does not
	// hold it; nil where the path leads into the image.
	Config *Setting
	// ConfigPath is the argument that names it.
	ConfigPath Setting
	// Broken is why the file could not be read as YAML, with its place.
	Broken *Problem

	Issuer           *Setting
	Storage          *Setting // its type
	InCluster        bool
	HTTP, HTTPS      *Setting // the addresses it listens on
	TLSCert, TLSKey  *Setting
	EnablePasswordDB bool
	IDTokens         *Setting // how long ID tokens are valid
	Clients          []*Client
	Connectors       []*Connector
	Passwords        []*Password

	doc *document
}

// A Problem is what a component will refuse, at its place.
type Problem struct {
	Place inventory.Place
	Text  string
}

// A Client is a static client of Dex.
type Client struct {
	Place         inventory.Place
	Name          *Setting
	ID, Secret    *Setting // as Dex sees them, from the environment too
	IDEnv, Env    *Setting // the names of variables: idEnv and secretEnv
	IDText        *Setting // id and secret as they stand in the file
	SecretText    *Setting
	RedirectURIs  []Setting
	RedirectPlace inventory.Place
	Public        bool
}

// A Connector is a way from Dex to another identity provider.
type Connector struct {
	Place       inventory.Place
	Type        *Setting
	ID, Name    *Setting
	HasConfig   bool
	RedirectURI *Setting
	Issuer      *Setting // of a connector for OpenID Connect
	ConfigPlace inventory.Place
}

// A Password is a static user of Dex.
type Password struct {
	Place       inventory.Place
	Email       *Setting
	Hash        *Setting // as Dex sees it
	HashText    *Setting
	HashFromEnv *Setting
}

// Problem reports what is wrong with reading a mounted configuration file.
func fileProblem(err error, file *Setting) *Problem {
	place := file.Place
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(text); m != nil && !file.Secret {
		place = place.AtLine(atoi(m[1]))
	}
	if file.Secret {
		text = "it does not parse" // the parser's message may quote it
	}
	return &Problem{place, text}
}

var yamlLine = regexp.MustCompile(`line (\d+):`)

func atoi(s string) int {
	n := 0
	for _, r := range s {
		if r < '0' || r > '9' {
			return 0
		}
		n = n*10 + int(r-'0')
	}
	return n
}

// isDex tells Dex by its image or by how it is started.
func isDex(c *corev1.Container) bool {
	name, _ := ImageName(c.Image)
	words := slices.Concat(c.Command, c.Args)
	serves := slices.Contains(words, "serve")
	return name == "dex" || serves && len(words) > 0 && path.Base(words[0]) == "dex"
}

func readDex(v *inventory.View, w Workload) *Dex {
	dex := &Dex{Workload: w}
	args := arguments(w.Place, w.Container, w.Env)
	flags := map[string]*Setting{}
	for i := 0; i < len(args); i++ {
		text := args[i].Text
		if name, ok := strings.CutPrefix(text, "--"); ok {
			name, value, joined := strings.Cut(name, "=")
			if !joined && i+1 < len(args) {
				i++
				value = args[i].Text
			}
			flags[name] = &Setting{Text: value, Place: args[i].Place}
			continue
		}
		if strings.HasPrefix(text, "/") && i > 0 || strings.HasSuffix(text, ".yaml") || strings.HasSuffix(text, ".yml") {
			dex.ConfigPath = args[i]
		}
	}
	if dex.ConfigPath.Text == "" {
		return dex
	}
	dex.Config = mountedFile(v, w.Pod, w.Place, w.Container, dex.ConfigPath.Text)
	if !dex.Config.Known() {
		return dex
	}
	doc, err := parseDocument(dex.Config)
	if err != nil {
		dex.Broken = fileProblem(err, dex.Config)
		return dex
	}
	dex.doc = doc
	dex.Issuer = dex.templated(doc.setting("issuer"))
	dex.Storage = doc.setting("storage", "type")
	dex.InCluster = doc.bool("storage", "config", "inCluster")
	dex.HTTP, dex.HTTPS = doc.setting("web", "http"), doc.setting("web", "https")
	if s := flags["web-http-addr"]; s != nil {
		dex.HTTP = s
	}
	if s := flags["web-https-addr"]; s != nil {
		dex.HTTPS = s
	}
	dex.TLSCert, dex.TLSKey = doc.setting("web", "tlsCert"), doc.setting("web", "tlsKey")
	dex.EnablePasswordDB = doc.bool("enablePasswordDB")
	dex.IDTokens = doc.setting("expiry", "idTokens")
	for i := range doc.list("staticClients") {
		dex.Clients = append(dex.Clients, dex.client(i))
	}
	for i := range doc.list("connectors") {
		at := func(steps ...any) []any { return append([]any{"connectors", i}, steps...) }
		dex.Connectors = append(dex.Connectors, &Connector{
			Place: doc.At(at()...), Type: doc.setting(at("type")...), ID: doc.setting(at("id")...), Name: doc.setting(at("name")...),
			HasConfig:   doc.get(at("config")...) != nil,
			RedirectURI: dex.expanded(doc.setting(at("config", "redirectURI")...)),
			Issuer:      dex.expanded(doc.setting(at("config", "issuer")...)),
			ConfigPlace: doc.At(at("config")...),
		})
	}
	for i := range doc.list("staticPasswords") {
		at := func(step string) []any { return []any{"staticPasswords", i, step} }
		p := &Password{
			Place: doc.At("staticPasswords", i), Email: doc.setting(at("email")...),
			HashText: doc.setting(at("hash")...), HashFromEnv: doc.setting(at("hashFromEnv")...),
		}
		p.Hash = dex.templated(p.HashText)
		if p.Hash.Or("") == "" && p.HashFromEnv != nil {
			p.Hash = dex.fromEnv(p.HashFromEnv)
		}
		dex.Passwords = append(dex.Passwords, p)
	}
	return dex
}

func (dex *Dex) client(i int) *Client {
	doc := dex.doc
	at := func(step string) []any { return []any{"staticClients", i, step} }
	c := &Client{
		Place: doc.At("staticClients", i),
		Name:  doc.setting(at("name")...),
		IDEnv: doc.setting(at("idEnv")...), Env: doc.setting(at("secretEnv")...),
		IDText: doc.setting(at("id")...), SecretText: doc.setting(at("secret")...),
		RedirectURIs:  doc.settings(at("redirectURIs")...),
		RedirectPlace: doc.At(at("redirectURIs")...),
		Public:        doc.bool(at("public")...),
	}
	for j := range c.RedirectURIs {
		c.RedirectURIs[j] = *dex.templated(&c.RedirectURIs[j])
	}
	c.ID, c.Secret = dex.templated(c.IDText), dex.templated(c.SecretText)
	if c.IDEnv.Or("") != "" {
		c.ID = dex.fromEnv(c.IDEnv)
	}
	if c.Env.Or("") != "" {
		c.Secret = dex.fromEnv(c.Env)
	}
	if c.Secret != nil {
		c.Secret.Secret = true
	}
	return c
}

// fromEnv reads the variable that a field names; os.Getenv of a variable that
// is not set is empty.
func (dex *Dex) fromEnv(name *Setting) *Setting {
	if s, ok := dex.Env[name.Text]; ok {
		copied := *s
		return &copied
	}
	if dex.Opaque != "" {
		return &Setting{Place: name.Place, Unknown: dex.Opaque + " is not in the render"}
	}
	return &Setting{Text: "", Place: name.Place}
}

// templated marks values that a template engine may still fill: the entry
// point of Dex's image runs its configuration through gomplate.
func (dex *Dex) templated(s *Setting) *Setting {
	if s != nil && strings.Contains(s.Text, "{{") {
		copied := *s
		copied.Text, copied.Unknown = "", "it is a template"
		return &copied
	}
	return s
}

// expanded expands $NAME as Dex does in the configurations of its connectors.
func (dex *Dex) expanded(s *Setting) *Setting {
	s = dex.templated(s)
	if !s.Known() || !strings.Contains(s.Text, "$") {
		return s
	}
	copied := *s
	copied.Text = envName.ReplaceAllStringFunc(s.Text, func(m string) string {
		name := strings.Trim(m, "${}")
		value, set := dex.Env[name]
		switch {
		case set && value.Known():
			return value.Text
		case set || dex.Opaque != "":
			copied.Unknown = "it takes " + name + " from the environment"
		}
		return ""
	})
	return &copied
}

var envName = regexp.MustCompile(`\$(\{[A-Za-z_][A-Za-z0-9_]*\}|[A-Za-z_][A-Za-z0-9_]*)`)

// URL is a page or endpoint of Dex: the issuer with a path below it.
func (dex *Dex) URL(below string) string {
	u, err := url.Parse(dex.Issuer.Value())
	if err != nil {
		return ""
	}
	u.Path = path.Join(u.Path, below)
	return u.String()
}

// Path is the path of a page below the issuer.
func (dex *Dex) Path(below string) string {
	u, err := url.Parse(dex.Issuer.Value())
	if err != nil {
		return below
	}
	return path.Join("/", u.Path, below)
}

// Listeners are the ports that Dex listens on, with their schemes.
func (dex *Dex) Listeners() []Listener {
	var all []Listener
	for _, l := range []struct {
		scheme string
		addr   *Setting
	}{{"http", dex.HTTP}, {"https", dex.HTTPS}} {
		if l.addr.Value() != "" {
			all = append(all, listener(l.scheme, l.addr))
		}
	}
	return all
}

// Client finds a client by its id: the last one of several with the same id,
// as Dex does.
func (dex *Dex) Client(id string) *Client {
	for _, c := range slices.Backward(dex.Clients) {
		if c.ID.Known() && c.ID.Text == id {
			return c
		}
	}
	return nil
}

// ClientsKnown reports whether the ids of all clients are known.
func (dex *Dex) ClientsKnown() bool {
	return !slices.ContainsFunc(dex.Clients, func(c *Client) bool { return c.ID != nil && !c.ID.Known() })
}

// A Listener is an address that a component listens on.
type Listener struct {
	Scheme   string
	Port     string
	Loopback bool // nobody outside the pod can reach it
	Setting  *Setting
}

func listener(scheme string, addr *Setting) Listener {
	text := addr.Text
	if rest, ok := strings.CutPrefix(text, "http://"); ok {
		text = rest
	}
	host, port, ok := SplitPort(text)
	if !ok {
		return Listener{Scheme: scheme, Port: "", Setting: addr}
	}
	return Listener{Scheme: scheme, Port: port, Loopback: isLoopback(host), Setting: addr}
}

// At is the place of a field of the configuration, or of the nearest one above
// it that exists. The configuration must be known.
func (dex *Dex) At(steps ...any) inventory.Place {
	if dex.doc == nil {
		return dex.ConfigPath.Place
	}
	return dex.doc.At(steps...)
}
