package report

import (
	_ "embed" // the schema
	"encoding/json"
	"io"
)

// Schema is the JSON Schema of the json format.
//
//go:embed schema/report.schema.json
var Schema []byte

// JSON writes the report as it is.
func JSON(w io.Writer, r *Report, _ Style) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}
