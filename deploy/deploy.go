// Package deploy holds what deploys the troubleshooter: a Terraform module and a
// SAM template, which make the same things, and packages of them with the function's
// zip file. It knows nothing of the function's code.
package deploy

import (
	"embed"
	"io/fs"
)

//go:embed terraform/*.tf terraform/README.md sam/template.yaml sam/README.md
var files embed.FS

// Files returns the module in the folder terraform and the template in the folder sam.
func Files() fs.FS { return files }

// Template is the SAM template's place in Files.
const Template = "sam/template.yaml"
