package config

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	yaml "go.yaml.in/yaml/v3"

	"github.com/kfpreflight/kfpreflight/internal/inventory"
)

const full = `# yaml-language-server: $schema=x
version: 1
kubeflowVersion: "1.10.2"
cluster:
  kubernetesVersion: "1.34"
  clusterDomain: example.internal
  storageClasses:
  - name: gp3
    provisioner: ebs.csi.aws.com
    default: true
    accessModes: [ReadWriteOnce]
  hosts: [kubeflow.example.com]
  namespaces: []
  secrets: [auth/dex-ldap]
  serviceAccounts: [team/builder]
  nodes:
  - {count: 3, cpu: 7910m, memory: 30Gi, gpu: 1}
checks:
  only: [rbac, storage]
  enable: [oidc/*]
  disable: [rbac/wildcard-verbs]
failOn: warning
failOnUndecided: true
ignore:
- check: rbac/wildcard-verbs
  object: ClusterRole//kubeflow-*
  path: common/**
  reason: upstream's own
  expires: 2026-12-31
  owner: platform
`

func TestParse(t *testing.T) {
	cfg, err := Parse("conf.yaml", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Cluster.Nodes[0].CPU.MilliValue() != 7910 || cfg.Cluster.Nodes[0].GPU.Value() != 1 {
		t.Errorf("nodes: %+v", cfg.Cluster.Nodes)
	}
	if cfg.Cluster.Namespaces == nil || cfg.Cluster.StorageClasses[0].AccessModes[0] != "ReadWriteOnce" || !cfg.FailOnUndecided {
		t.Errorf("%+v", cfg)
	}
	if origin := cfg.At("ignore", 0, "expires").Origin(); origin != (inventory.Origin{File: "conf.yaml", Line: 29, Exact: true}) {
		t.Errorf("expires stands at %v", origin)
	}
	i := cfg.Ignore[0]
	if i.Expired(time.Date(2026, 12, 31, 23, 59, 0, 0, time.UTC)) || !i.Expired(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Error("an ignore holds through its last day")
	}
}

// bad lists wrong configurations and what is said of them.
var bad = []struct {
	name, text string
	want       []string
	yamlOnly   bool // nothing that JSON could express
}{
	{"empty", "", []string{"f:1: version is missing: write version: 1"}, false},
	{"comment only", "# nothing\n", []string{"f:1: version is missing: write version: 1"}, false},
	{"other version", "version: 2\n", []string{"f:1: version must be 1"}, false},
	{"version as text", `version: "1"`, []string{"f:1: version must be 1"}, false},
	{"unknown key", "version: 1\nignores: []\n", []string{`f:2: unknown key "ignores"; did you mean ignore?`}, false},
	{"unknown key without a near one", "version: 1\nzzzzzzzz: 1\n", []string{`f:2: unknown key "zzzzzzzz": known are checks, cluster, failOn,`}, false},
	{"unknown key below", "version: 1\ncluster:\n  storageClases: []\n", []string{`f:3: unknown key "storageClases" in cluster; did you mean storageClasses?`}, false},
	{"number for a text", "version: 1\ncluster:\n  kubernetesVersion: 1.30\n", []string{`f:3: cluster.kubernetesVersion must be a text: write "1.30" in quotes`}, false},
	{"boolean for a text", "version: 1\ncluster:\n  hosts: [yes]\n", []string{`f:3: cluster.hosts[0] must be a text: write "yes" in quotes`}, false},
	{"text for a list", "version: 1\ncluster:\n  hosts: a.example.com\n", []string{"f:3: cluster.hosts must be a list"}, false},
	{"list for a mapping", "version: 1\ncluster: []\n", []string{"f:2: cluster must be a mapping"}, false},
	{"a list", "- version\n", []string{"f:1: must be a mapping"}, false},
	{"null list", "version: 1\ncluster:\n  namespaces:\n", []string{"f:3: cluster.namespaces is empty: write [] for a list that is known to be empty"}, false},
	{"null mapping", "version: 1\nchecks:\n", []string{"f:2: checks is empty: it must be a mapping, or be left out"}, false},
	{"duplicate key", "version: 1\nfailOn: error\nfailOn: never\n", []string{"f:3: failOn is given twice; first at line 2"}, true},
	{"duplicate key below", "version: 1\nchecks:\n  only: [rbac]\n  only: [oidc]\n", []string{"f:4: checks.only is given twice; first at line 3"}, true},
	{"quantity", "version: 1\ncluster:\n  nodes:\n  - {count: 1, cpu: four, memory: 1Gib}\n", []string{
		"f:4: cluster.nodes[0].cpu must be an amount as in 4, 500m or 16Gi, not \"four\"",
		"f:4: cluster.nodes[0].memory must be an amount as in 4, 500m or 16Gi, not \"1Gib\"",
	}, false},
	{"negative quantity", "version: 1\ncluster:\n  nodes:\n  - {count: 1, cpu: -1, memory: 1Gi}\n", []string{"f:4: cluster.nodes[0].cpu must be an amount"}, false},
	{"negative count", "version: 1\ncluster:\n  nodes:\n  - {count: -1, cpu: 1, memory: 1Gi}\n", []string{"f:4: cluster.nodes[0].count must be at least 0"}, false},
	{"half a node", "version: 1\ncluster:\n  nodes:\n  - {count: 1.5, cpu: 1, memory: 1Gi}\n", []string{"f:4: cluster.nodes[0].count must be a whole number"}, false},
	{"incomplete node", "version: 1\ncluster:\n  nodes:\n  - count: 1\n    cpu: 4\n", []string{"f:4: cluster.nodes[0] is not complete: memory is missing"}, false},
	{"secret without namespace", "version: 1\ncluster:\n  secrets: [dex]\n", []string{"f:3: cluster.secrets[0] must be namespace/name"}, false},
	{"access mode", "version: 1\ncluster:\n  storageClasses:\n  - name: a\n    accessModes: [ReadWriteMay]\n", []string{"f:5: cluster.storageClasses[0].accessModes[0] must be one of ReadWriteOnce, ReadOnlyMany, ReadWriteMany, ReadWriteOncePod; did you mean ReadWriteMany"}, false},
	{"fail on", "version: 1\nfailOn: warn\n", []string{"f:2: failOn must be one of error, warning, info, never; did you mean warning?"}, false},
	{"ignore without reason", "version: 1\nignore:\n- check: rbac\n", []string{"f:3: ignore[0] is not complete: reason is missing"}, false},
	{"ignore with blank reason", "version: 1\nignore:\n- check: rbac\n  reason: \" \"\n", []string{"f:4: ignore[0].reason must say why the finding is accepted"}, false},
	{"date", "version: 1\nignore:\n- check: rbac\n  reason: x\n  expires: 31.12.2026\n", []string{"f:5: ignore[0].expires must be a day as in 2026-12-31, not \"31.12.2026\""}, false},
	{"no such day", "version: 1\nignore:\n- check: rbac\n  reason: x\n  expires: 2026-02-30\n", []string{"f:5: ignore[0].expires must be a day"}, false},
	{"object", "version: 1\nignore:\n- check: rbac\n  reason: x\n  object: a/b/c/d\n", []string{"f:5: ignore[0].object must be kind/namespace/name"}, false},
	{"object glob", "version: 1\nignore:\n- check: rbac\n  reason: x\n  object: \"[a\"\n", []string{"f:5: ignore[0].object must be kind/namespace/name"}, false},
	{"path glob", "version: 1\nignore:\n- check: rbac\n  reason: x\n  path: \"{a\"\n", []string{"f:5: ignore[0].path must be a file, a folder or a glob"}, false},
	{"syntax", "version: 1\n\tchecks: {}\n", []string{"f:2: malformed YAML: found a tab character"}, true},
	{"open list", "version: 1\nchecks: {only: [rbac}\n", []string{"f:2: malformed YAML: did not find expected ',' or ']'"}, true},
	{"open list in line 1", "checks: {only: [rbac}\n", []string{"malformed YAML: did not find expected ',' or ']'"}, true},
	{"two documents", "version: 1\n---\nversion: 1\n", []string{"f:2: a second document; the configuration is one"}, true},
	{"merge key", "version: 1\n<<: {failOn: error}\n", []string{"f:2: has a merge key (<<): write the fields out"}, true},
	{"binary", "version: 1\x00\n", []string{"f:1: not a text file: it holds a NUL byte"}, true},
	{"several at once", "version: 1\nfailon: never\ncluster:\n  hosts: x\n", []string{`f:2: unknown key "failon"; did you mean failOn?`, "f:4: cluster.hosts must be a list"}, false},
}

func TestBad(t *testing.T) {
	for _, test := range bad {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("f", []byte(test.text))
			if err == nil {
				t.Fatal("accepted")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(test.want) {
				t.Errorf("problems: %q, want %d", lines, len(test.want))
			}
			for i, want := range test.want[:min(len(lines), len(test.want))] {
				if !strings.Contains(lines[i], want) {
					t.Errorf("problem %d is %q, want %q", i, lines[i], want)
				}
			}
		})
	}
}

// TestSchemaAgrees compares the walker's verdicts with those of a full
// implementation of JSON Schema, over all of the above and the template.
func TestSchemaAgrees(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for name, check := range formats {
		if name == "date" {
			continue
		}
		compiler.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(v any) error {
			if text, ok := v.(string); ok {
				return check(text)
			}
			if n, ok := number(v); ok && n < 0 {
				return check("-1")
			}
			return nil
		}})
	}
	if err := compiler.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"full": full, "template": Template}
	for _, test := range bad {
		if !test.yamlOnly {
			texts[test.name] = test.text
		}
	}
	for name, text := range texts {
		var node yaml.Node
		if err := yaml.Unmarshal([]byte(text), &node); err != nil {
			t.Fatal(err)
		}
		content, err := inventory.DecodeManifest(&node)
		if err != nil {
			t.Fatal(err)
		}
		if content == nil {
			content = map[string]any{}
		}
		theirs := compiled.Validate(content)
		_, ours := Parse("f", []byte(text))
		if (theirs == nil) != (ours == nil) {
			t.Errorf("%s: the JSON Schema says %v, the reader says %v", name, theirs, ours)
		}
	}
}

// TestSchemaIsTheStruct holds the schema and the Go types together: the same
// fields, all the way down.
func TestSchemaIsTheStruct(t *testing.T) {
	root, err := parsedSchema()
	if err != nil {
		t.Fatal(err)
	}
	compareFields(t, "", root, reflect.TypeFor[Config]())
}

func compareFields(t *testing.T, at string, s *schema, typ reflect.Type) {
	if s.Items != nil {
		compareFields(t, at+"[]", s.Items, typ.Elem())
		return
	}
	if len(s.Properties) == 0 {
		return
	}
	if s.AdditionalProperties == nil || s.AdditionalProperties.of != nil {
		t.Errorf("%s allows additional properties", at)
	}
	var fields []string
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		if name == "-" || name == "" {
			continue
		}
		fields = append(fields, name)
		if sub := s.Properties[name]; sub == nil {
			t.Errorf("%s.%s is not in the schema", at, name)
		} else {
			compareFields(t, at+"."+name, sub, typ.Field(i).Type)
		}
	}
	for name := range s.Properties {
		if !slices.Contains(fields, name) {
			t.Errorf("%s.%s is in the schema and in no field", at, name)
		}
	}
}

func TestTemplate(t *testing.T) {
	cfg, err := Parse(Name, []byte(Template))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(cfg.Cluster, (&Config{}).Cluster) || cfg.Ignore != nil || cfg.FailOn != "" {
		t.Errorf("the template says something that nobody wrote: %+v", cfg)
	}
	if !strings.HasPrefix(Template, "# yaml-language-server: $schema="+SchemaURL+"\n") {
		t.Error("the template does not begin with the schema's address")
	}
	var schema struct {
		ID string `json:"$id"`
	}
	if err := json.Unmarshal(Schema, &schema); err != nil || schema.ID != SchemaURL {
		t.Errorf("the schema's $id is %q, want %q (%v)", schema.ID, SchemaURL, err)
	}
	// What is commented out must be right too once somebody uncomments it.
	var uncommented []string
	for _, line := range strings.Split(Template, "\n") {
		if rest, ok := strings.CutPrefix(line, "#"); ok && (!strings.HasPrefix(rest, " ") || strings.HasPrefix(rest, "  ")) {
			line = rest
		}
		uncommented = append(uncommented, line)
	}
	cfg, err = Parse(Name, []byte(strings.Join(uncommented, "\n")))
	if err != nil {
		t.Fatalf("uncommented: %v", err)
	}
	if len(cfg.Ignore) == 0 || len(cfg.Cluster.Nodes) == 0 || cfg.FailOn == "" {
		t.Errorf("uncommented: %+v", cfg)
	}
}

func TestFind(t *testing.T) {
	top := t.TempDir()
	write := func(name string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(top, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(top, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(Name)
	write("repo/.git/HEAD")
	write("repo/a/b/x")
	write("repo/a/" + Name)
	write("repo2/.git") // a worktree's is a file
	write("repo2/a/x")
	write("loose/a/x")
	for dir, want := range map[string]string{
		"repo/a/b": "repo/a/" + Name,
		"repo/a":   "repo/a/" + Name,
		"repo":     "",
		"repo2/a":  "",
		".":        Name,
		"loose/a":  "",
	} {
		got, err := Find(filepath.Join(top, dir))
		if want != "" {
			want = filepath.Join(top, want)
		}
		if err != nil || got != want {
			t.Errorf("from %s: %q, %v; want %q", dir, got, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(full)
	f.Add(Template)
	for _, test := range bad {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := Parse("f", []byte(text))
		if err != nil {
			return
		}
		// What is accepted can be asked for its places.
		for i := range cfg.Ignore {
			if cfg.At("ignore", i).Origin().Line == 0 {
				t.Errorf("ignore %d has no line", i)
			}
		}
	})
}
