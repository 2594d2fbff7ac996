package image

import (
	"errors"
	"regexp"
	"strings"

	"github.com/distribution/reference"

	"github.com/kfpreflight/kfpreflight/checks"
	"github.com/kfpreflight/kfpreflight/internal/images"
)

var invalidReference = &checks.Check{
	ID:       "image/invalid-reference",
	Severity: checks.Error,
	Doc: `image has a name that cannot be pulled

The API server takes nearly any text for an image; the kubelet does not:
` + "`InvalidImageName: couldn't parse image name`" + `. Repositories are lower case, a tag
has letters, digits and ._- and begins with none of the last two, there is one
tag only, a digest is sha256: and 64 digits, and nothing expands $(NAME) in an
image.

Images in configuration files, arguments and environment variables are held to
the same rules, as somebody puts them into a pod some day. Texts that a
controller completes first, such as Argo's {{inputs.parameters.x}} and Katib's
${trialParameters.x}, are left out.`,
	Fix: "Write the image as registry/repository:tag or registry/repository@sha256:digest.",
	Refs: []string{
		"https://kubernetes.io/docs/concepts/containers/images/#image-names",
		"https://github.com/distribution/reference/blob/main/reference.go",
	},
	Since: "0.1.0",
	Run: func(pass *checks.Pass) {
		uses := images.Find(pass.Render)
		if len(uses) == 0 {
			pass.NotApplicable()
		}
		for _, use := range uses {
			// Of texts that only look like images, those with a tag are ones;
			// Public/img/Logo is a picture.
			if last := use.Image[strings.LastIndexByte(use.Image, '/')+1:]; !use.Container && !strings.ContainsAny(last, ":@") {
				continue
			}
			if _, err := images.Parse(use.Image); err != nil {
				pass.Reportf(use.Place, "%s is to run image %q, which the kubelet refuses: %s", use.What, use.Image, why(use.Image, err))
			}
		}
	},
}

var left = regexp.MustCompile(`\$\([^)]*\)|\$\{[^}]*\}|\{\{[^}]*\}\}|<[^>]*>`)

// why says what is wrong with a name in words of its own, where the parser
// only says that the format is invalid.
func why(image string, err error) string {
	name, tag := image, ""
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, tag = name[:i], name[i+1:]
	}
	switch {
	case left.MatchString(image):
		return "nothing fills in " + left.FindString(image)
	case strings.TrimSpace(image) != image || strings.ContainsAny(image, " \t\n"):
		return "there is a blank in it"
	case strings.Contains(image, "://"):
		return "it is the address of a page"
	case errors.Is(err, reference.ErrNameContainsUppercase) || strings.ToLower(image) != image && validWith(strings.ToLower(name), tag):
		return "the repository's name must be lower case"
	case strings.HasSuffix(image, ":"):
		return "the tag is empty"
	case strings.Contains(image, "@"):
		return "the digest must be sha256: and 64 hexadecimal digits"
	case strings.Count(name[strings.LastIndexByte(name, '/')+1:], ":") > 0:
		return "it has two tags"
	}
	return err.Error()
}

func validWith(name, tag string) bool {
	if tag != "" {
		name += ":" + tag
	}
	_, err := images.Parse(name)
	return err == nil
}
