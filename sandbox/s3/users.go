package s3

import (
	"encoding/json"
	"fmt"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/iamapi/policy"
	"github.com/versity/versitygw/iamapi/types"
	"github.com/versity/versitygw/s3err"
)

// User is somebody beside the endpoint's one account, who may do what an IAM policy says.
type User struct {
	AccessKey string
	SecretKey string
	Policy    json.RawMessage // as IAM takes it: Version and Statement, without principals
}

// users are versitygw's IAM: its own evaluation of identity policies, over users that exist from the start. Its
// built-in stores of users know no identity policies, and its IAM service is a server of its own.
type users struct {
	auth.IAMService // the one account, and the refusal to change anything
	byKey           map[string]User
}

var (
	_ auth.IAMService      = (*users)(nil)
	_ auth.PolicyEvaluator = (*users)(nil)
)

func newUsers(root auth.IAMService, list []User) (*users, error) {
	u := &users{IAMService: root, byKey: map[string]User{}}
	for _, user := range list {
		if err := policy.Parse(string(user.Policy)); err != nil {
			return nil, fmt.Errorf("the policy of %s: %w", user.AccessKey, err)
		}
		u.byKey[user.AccessKey] = user
	}
	return u, nil
}

// GetUserAccount finds a user by the access key.
func (u *users) GetUserAccount(access string) (auth.Account, error) {
	user, known := u.byKey[access]
	if !known {
		return u.IAMService.GetUserAccount(access)
	}
	return auth.Account{Access: user.AccessKey, Secret: user.SecretKey, Role: auth.RoleUser}, nil
}

// ResolveAccounts names the keys that nobody has.
func (u *users) ResolveAccounts(keys []string) (missing []string, err error) {
	for _, key := range keys {
		if _, err := u.GetUserAccount(key); err != nil {
			missing = append(missing, key)
		}
	}
	return missing, nil
}

// EvaluatePolicy decides by the user's policy alone: what it does not allow is denied.
func (u *users) EvaluatePolicy(
	access, _ string, actions []auth.Action, resources []string, condition map[string][]string,
) (auth.PolicyEvaluation, error) {
	user, known := u.byKey[access]
	if !known {
		return auth.PolicyEvaluation{}, s3err.GetAPIError(s3err.ErrAdminUserNotFound)
	}
	documents := []types.PolicyEntry{{PolicyName: access, PolicyDocument: string(user.Policy)}}
	evaluation := auth.PolicyEvaluation{PrincipalArn: "arn:aws:iam::000000000000:user/" + access}
	fill(&evaluation.Decisions, len(resources), len(actions), func(resource, action int) policy.Decision {
		return policy.EvaluateIdentityPolicies(documents, policy.RequestContext{
			Action: string(actions[action]), Resource: resources[resource], Condition: condition,
		})
	})
	return evaluation, nil
}

// fill makes a table of decisions. Its type has no name outside versitygw; the values are those of policy.Decision.
func fill[D ~int](table *[][]D, resources, actions int, decide func(resource, action int) policy.Decision) {
	for resource := range resources {
		row := make([]D, actions)
		for action := range actions {
			row[action] = D(decide(resource, action))
		}
		*table = append(*table, row)
	}
}
