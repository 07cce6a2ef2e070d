package doctor

import (
	"context"
	"strings"
)

const mendMail = "set VITRINE_SMTP_URL"

// OfDeployment is the subject of checks that are about no account.
const OfDeployment = "deployment"

// Deployment is what one configuration leads to.
type Deployment struct {
	Problems []error  // what is wrong with the configuration
	Mistyped []string // variables that mean nothing
	Temporal Temporal
	Storage  Storage
	Stripe   Stripe
	// Mail connects to the mail server; nil: none is set here.
	Mail func(context.Context) error
	// Fleet finds out whether somebody looks at every shard of the fleet.
	Fleet func(context.Context) (Fleet, error)
}

// Checks are those of the deployment.
func (d Deployment) Checks() []Check {
	var checks []Check
	for _, problem := range d.Problems {
		checks = append(checks, Check{Name: "configuration", Look: func(context.Context) Diagnosis {
			return wrong("starter env explains every variable", "%v", problem)
		}})
	}
	checks = append(checks, Check{Name: "variables", Look: d.variables})
	checks = append(checks, d.Temporal.checks()...)
	checks = append(checks, d.Storage.checks()...)
	if d.Storage.Err == nil && d.Fleet != nil {
		checks = append(checks, Check{Name: "fleet", Look: d.fleet})
	}
	checks = append(checks, d.Stripe.checks()...)
	checks = append(checks, Check{Name: "mail server", Look: d.mail, Silent: silent(mendMail)})
	for i := range checks {
		checks[i].Subject = OfDeployment
	}
	return checks
}

func (d Deployment) variables(context.Context) Diagnosis {
	if len(d.Mistyped) > 0 {
		return doubtful("starter env --all", "%s set and mean nothing: mistyped?", strings.Join(d.Mistyped, ", "))
	}
	return right("each one that is set means something")
}

func (d Deployment) mail(ctx context.Context) Diagnosis {
	if d.Mail == nil {
		return unseen("set VITRINE_SMTP_URL where the worker runs",
			"VITRINE_SMTP_URL is not set here: without it no buyer gets mail")
	}
	if err := d.Mail(ctx); err != nil {
		return wrong(mendMail, "%v", err)
	}
	return right("it takes connections")
}
