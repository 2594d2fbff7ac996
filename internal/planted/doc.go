// Package planted plants mistakes in the real platform and asks whether they
// are found, at the line where they were made.
//
// Each archive testdata/FAMILY[_N].txtar is an overlay over a real release: its
// files are laid beside the release's example/ folder, rendered together with
// it, and examined by the checks of the family. A comment `# want "re"` stands
// at the line where a finding must point; re matches "check-id: message".
// Findings that the pristine release has are left out.
package planted
