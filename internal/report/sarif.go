package report

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"

	"github.com/kfpreflight/kfpreflight/checks"
)

// What GitHub's code scanning demands beyond the standard, and why the output
// is as it is:
//   - It stores 5,000 results of a run and rejects a file with more than
//     25,000: the rest is cut, and a notification says so.
//   - It tells alerts apart by partialFingerprints.primaryLocationLineHash,
//     which the upload action computes from the line's text where it is absent.
//   - Accepted results must stay, with their suppression: one that is missing
//     closes its alert, and opens a new one later.
//   - A region needs a startLine of at least 1, a result at least one location,
//     a rule at most 10 tags (20 by its documentation, 10 are shown).
//   - Only relative URIs with %SRCROOT% match files of the repository.
//
// The types are written out here because go-sarif writes a rank of 0, a byte
// offset of 0 beside each startLine and a dozen empty arrays into every result.
const (
	maxResults = 5_000
	srcRoot    = "%SRCROOT%"
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool               sarifTool                   `json:"tool"`
	Invocations        []sarifInvocation           `json:"invocations"`
	OriginalURIBaseIDs map[string]sarifDescription `json:"originalUriBaseIds"`
	ColumnKind         string                      `json:"columnKind"`
	Results            []sarifResult               `json:"results"`
	Properties         map[string]any              `json:"properties,omitempty"`
}

type sarifDescription struct {
	Description sarifMessage `json:"description"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name            string      `json:"name"`
	InformationURI  string      `json:"informationUri"`
	Version         string      `json:"version"`
	SemanticVersion string      `json:"semanticVersion,omitempty"`
	Rules           []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID                   string             `json:"id"`
	Name                 string             `json:"name"`
	ShortDescription     sarifMessage       `json:"shortDescription"`
	FullDescription      sarifMessage       `json:"fullDescription"`
	Help                 sarifMessage       `json:"help"`
	HelpURI              string             `json:"helpUri"`
	DefaultConfiguration sarifConfiguration `json:"defaultConfiguration"`
	Properties           map[string]any     `json:"properties"`
}

type sarifConfiguration struct {
	Level string `json:"level"`
}

type sarifMessage struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitempty"`
}

type sarifInvocation struct {
	ExecutionSuccessful        bool                `json:"executionSuccessful"`
	ToolExecutionNotifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level   string       `json:"level"`
	Message sarifMessage `json:"message"`
}

type sarifResult struct {
	RuleID              string             `json:"ruleId"`
	RuleIndex           *int               `json:"ruleIndex,omitempty"`
	Kind                string             `json:"kind"`
	Level               string             `json:"level"`
	Message             sarifMessage       `json:"message"`
	Locations           []sarifLocation    `json:"locations"`
	RelatedLocations    []sarifLocation    `json:"relatedLocations,omitempty"`
	PartialFingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions        []sarifSuppression `json:"suppressions"`
}

type sarifSuppression struct {
	Kind          string         `json:"kind"`
	Status        string         `json:"status"`
	Justification string         `json:"justification"`
	Location      *sarifLocation `json:"location,omitempty"`
}

type sarifLocation struct {
	ID               int                    `json:"id,omitempty"`
	PhysicalLocation *sarifPhysicalLocation `json:"physicalLocation,omitempty"`
	LogicalLocations []sarifLogicalLocation `json:"logicalLocations,omitempty"`
	Message          *sarifMessage          `json:"message,omitempty"`
}

type sarifPhysicalLocation struct {
	ArtifactLocation sarifArtifactLocation `json:"artifactLocation"`
	Region           sarifRegion           `json:"region"`
}

type sarifArtifactLocation struct {
	URI       string `json:"uri"`
	URIBaseID string `json:"uriBaseId,omitempty"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

type sarifLogicalLocation struct {
	Name               string `json:"name"`
	FullyQualifiedName string `json:"fullyQualifiedName"`
	Kind               string `json:"kind"`
}

// SARIF writes a SARIF 2.1.0 log of one run.
func SARIF(w io.Writer, r *Report, s Style) error {
	run := sarifRun{
		Tool: sarifTool{Driver: sarifDriver{
			Name: r.Tool.Name, Version: r.Tool.Version, SemanticVersion: semantic(r.Tool.Version),
			InformationURI: "https://github.com/kfpreflight/kfpreflight", Rules: []sarifRule{},
		}},
		Invocations:        []sarifInvocation{{ExecutionSuccessful: true}},
		OriginalURIBaseIDs: map[string]sarifDescription{srcRoot: {sarifMessage{Text: "The root of the repository, or the working folder outside of one."}}},
		ColumnKind:         "unicodeCodePoints",
		Results:            []sarifResult{},
		Properties:         map[string]any{"target": r.Target, "coverage": r.Coverage},
	}
	index := map[string]int{}
	for i, check := range r.rules {
		index[check.ID] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, newRule(check))
	}
	findings := r.bySeverity()
	if n := len(findings) - maxResults; n > 0 {
		findings = findings[:maxResults]
		run.Invocations[0].ToolExecutionNotifications = []sarifNotification{{
			Level:   "warning",
			Message: sarifMessage{Text: fmt.Sprintf("%s cut: code scanning stores %d. The json format has all of them.", plural(n, "result"), maxResults)},
		}}
	}
	for _, f := range findings {
		result := r.newResult(f, s)
		if i, known := index[f.Check]; known {
			result.RuleIndex = &i
		}
		run.Results = append(run.Results, result)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(sarifLog{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{run},
	})
}

func newRule(check *checks.Check) sarifRule {
	markdown := fmt.Sprintf("%s\n\n**Fix:** %s\n", check.Text(), check.Fix)
	if len(check.Refs) > 0 {
		markdown += "\nReferences:\n"
		for _, ref := range check.Refs {
			markdown += "\n* " + ref
		}
		markdown += "\n"
	}
	return sarifRule{
		ID: check.ID, Name: pascal(check.ID),
		ShortDescription: sarifMessage{Text: sentence(check.Title())},
		FullDescription:  sarifMessage{Text: check.Text()},
		Help: sarifMessage{
			Text:     fmt.Sprintf("%s\n\nFix: %s\n", check.Text(), check.Fix),
			Markdown: markdown,
		},
		HelpURI:              documentation(check.ID),
		DefaultConfiguration: sarifConfiguration{Level: level(check.Severity.String())},
		Properties: map[string]any{
			"tags":             []string{"kubeflow", check.Family()},
			"problem.severity": map[string]string{"error": "error", "warning": "warning", "info": "recommendation"}[check.Severity.String()],
			"precision":        "high",
		},
	}
}

// pascal is the ID as the standard wants names: RbacWildcardVerbs.
func pascal(id string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(id, func(r rune) bool { return r == '/' || r == '-' }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

func sentence(title string) string {
	if title == "" {
		return "."
	}
	return strings.ToUpper(title[:1]) + title[1:] + "."
}

func level(severity string) string {
	if severity == "info" {
		return "note"
	}
	return severity
}

func semantic(version string) string {
	version = strings.TrimPrefix(version, "v")
	if strings.Count(version, ".") < 2 {
		return ""
	}
	return version
}

func (r *Report) newResult(f *Finding, s Style) sarifResult {
	result := sarifResult{
		RuleID: f.Check, Kind: "fail", Level: level(f.Severity),
		Message:             sarifMessage{Text: f.Message + ". Fix: " + f.Fix},
		Locations:           []sarifLocation{r.location(f.Origin, f.Object, f.Field, s)},
		PartialFingerprints: map[string]string{"kfpreflight/v1": f.Fingerprint, "primaryLocationLineHash": f.Fingerprint + ":1"},
		Suppressions:        []sarifSuppression{},
	}
	if f.Undecided {
		// The standard wants level none for every kind but fail.
		result.Kind, result.Level = "open", "none"
		result.Message.Text = "Undecided: " + f.Message + "."
	}
	for i, related := range f.Related {
		location := r.location(related.Origin, related.Object, related.Field, s)
		location.ID = i + 1
		location.Message = &sarifMessage{Text: related.Message}
		if related.Message == "" {
			location.Message = &sarifMessage{Text: related.text(s)}
		}
		result.RelatedLocations = append(result.RelatedLocations, location)
	}
	if f.Suppressed != nil {
		suppression := sarifSuppression{Kind: "external", Status: "accepted", Justification: f.Suppressed.Reason}
		if f.Suppressed.By == "comment" {
			suppression.Kind = "inSource"
		}
		if o := f.Suppressed.Origin; o != nil {
			suppression.Location = &sarifLocation{PhysicalLocation: physical(o, s)}
		}
		result.Suppressions = append(result.Suppressions, suppression)
	}
	return result
}

// location always has a physical part: where no file is known it is the first
// source.
func (r *Report) location(o *Origin, object *Object, field string, s Style) sarifLocation {
	if o == nil {
		o = &Origin{File: "."}
		if len(r.Sources) > 0 {
			o.File = path.Clean(r.Sources[0].Path)
		}
	}
	location := sarifLocation{PhysicalLocation: physical(o, s)}
	if object != nil {
		name := object.String()
		full := strings.Join([]string{object.APIVersion, object.Kind, object.Namespace, object.Name}, "/")
		if field != "" {
			name, full = field, full+"#"+field
		}
		location.LogicalLocations = []sarifLogicalLocation{{Name: name, FullyQualifiedName: full, Kind: "resource"}}
	}
	return location
}

func physical(o *Origin, s Style) *sarifPhysicalLocation {
	return &sarifPhysicalLocation{ArtifactLocation: artifact(o.File, s), Region: sarifRegion{StartLine: max(o.Line, 1)}}
}

// artifact is relative to the repository's root, and only else absolute.
func artifact(file string, s Style) sarifArtifactLocation {
	if file == "-" {
		file = "stdin"
	}
	rel, inside := s.rel(file)
	u := &url.URL{Path: rel}
	if !inside {
		if path.IsAbs(rel) {
			u.Scheme = "file"
		}
		return sarifArtifactLocation{URI: u.String()}
	}
	return sarifArtifactLocation{URI: u.EscapedPath(), URIBaseID: srcRoot}
}
