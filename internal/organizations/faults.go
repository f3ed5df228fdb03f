package organizations

import "github.com/stint-sts/stint/internal/identity"

// The refusals of the model. The sentences are AWS's where somebody has recorded or observed them, else those with which the API
// Reference describes the exception (docs/wire-compatibility.md §15).
var (
	notInUse          = identity.NewFault("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
	notYours          = identity.NewFault(identity.AccessDenied, "You don't have permissions to access this resource.")
	notFounder        = identity.NewFault(identity.AccessDenied, "The organization of this server is another account's to create.")
	alreadyIn         = identity.NewFault("AlreadyInOrganizationException", "The provided account is already a member of an organization.")
	notEmpty          = identity.NewFault("OrganizationNotEmptyException", "The organization isn't empty. To delete an organization, you must first remove all accounts except the management account, delete all OUs, and delete all policies.")
	masterStays       = identity.NewFault("MasterCannotLeaveOrganizationException", "You can't remove a management account from an organization. If you want the management account to become a member account in another organization, you must first delete the current organization of the management account.")
	accountNotFound   = identity.NewFault("AccountNotFoundException", "You specified an account that doesn't exist.")
	requestNotFound   = identity.NewFault("CreateAccountStatusNotFoundException", "We can't find an create account request with the CreateAccountRequestId that you specified.")
	rootNotFound      = identity.NewFault("RootNotFoundException", "You specified a root that doesn't exist.")
	unitNotFound      = identity.NewFault("OrganizationalUnitNotFoundException", "You specified an organizational unit that doesn't exist.")
	unitNotEmpty      = identity.NewFault("OrganizationalUnitNotEmptyException", "The specified OU is not empty. Move all accounts to another root or to other OUs, remove all child OUs, and try the operation again.")
	duplicateUnit     = identity.NewFault("DuplicateOrganizationalUnitException", "An OU with the same name already exists.")
	parentNotFound    = identity.NewFault("ParentNotFoundException", "You specified parent that doesn't exist.")
	childNotFound     = identity.NewFault("ChildNotFoundException", "You specified a child that doesn't exist.")
	sourceNotFound    = identity.NewFault("SourceParentNotFoundException", "We can't find a source root or OU with the ParentId that you specified.")
	destNotFound      = identity.NewFault("DestinationParentNotFoundException", "We can't find the destination container (a root or OU) with the ParentId that you specified.")
	duplicateAccount  = identity.NewFault("DuplicateAccountException", "That account is already present in the specified destination.")
	policyNotFound    = identity.NewFault("PolicyNotFoundException", "You specified a policy that doesn't exist.")
	duplicatePolicy   = identity.NewFault("DuplicatePolicyException", "A policy with the specified name and type already exists.")
	alreadyAttached   = identity.NewFault("DuplicatePolicyAttachmentException", "A policy with the specified name and type already exists.")
	notAttached       = identity.NewFault("PolicyNotAttachedException", "This policy isn't attached to the specified target.")
	policyInUse       = identity.NewFault("PolicyInUseException", "The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts before performing this operation.")
	malformed         = identity.NewFault("MalformedPolicyDocumentException", "The provided policy document does not meet the requirements of the specified policy type.")
	typeNotEnabled    = identity.NewFault("PolicyTypeNotEnabledException", "This operation can be performed only for enabled policy types.")
	typeEnabled       = identity.NewFault("PolicyTypeAlreadyEnabledException", "The specified policy type is already enabled.")
	typeNotAvailable  = identity.NewFault("PolicyTypeNotAvailableForOrganizationException", "You can't use the specified policy type with the feature set currently enabled for this organization.")
	targetNotFound    = identity.NewFault("TargetNotFoundException", "You specified a target that doesn't exist.")
	alreadyRegistered = identity.NewFault("AccountAlreadyRegisteredException", "The provided account is already a delegated administrator for your organization.")
	notRegistered     = identity.NewFault("AccountNotRegisteredException", "The provided account is not a registered delegated administrator for your organization.")

	concurrentModification = identity.NewFault("ConcurrentModificationException", "The target of the operation is currently being modified by a different request. Try again later.")
)

// Refusals with a Reason of their own, by it (API, ConstraintViolationException and InvalidInputException).
var (
	accountLimit     = constraint("ACCOUNT_NUMBER_LIMIT_EXCEEDED", "You have exceeded the allowed number of AWS accounts.")
	unitLimit        = constraint("OU_NUMBER_LIMIT_EXCEEDED", "You have exceeded the number of OUs that you can have in an organization.")
	depthLimit       = constraint("OU_DEPTH_LIMIT_EXCEEDED", "You have exceeded the allowed depth of OUs.")
	policyLimit      = constraint("POLICY_NUMBER_LIMIT_EXCEEDED", "You have exceeded the number of policies that you can have in an organization.")
	contentLimit     = constraint("POLICY_CONTENT_LIMIT_EXCEEDED", "You have exceeded the maximum policy size.")
	attachmentLimit  = constraint("MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", "You have attached the maximum number of policies of the specified type to the specified target.")
	attachmentNeeded = constraint("MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", "You cannot remove the last policy of the specified type from the specified target.")
	tagLimit         = constraint("MAX_TAG_LIMIT_EXCEEDED", "You have exceeded the number of tags allowed on this resource.")
	masterNoDelegate = constraint("CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR", "You cannot register master account/yourself as delegated administrator for your organization.")
	delegateStays    = constraint("CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG", "You cannot remove an account that is a delegated administrator from the organization.")
	serviceAccess    = constraint("SERVICE_ACCESS_NOT_ENABLED", "You must enable service access before you delegate an administrator for this service. Call the AWS API EnableAWSServiceAccess first.")

	immutablePolicy = invalidInput("IMMUTABLE_POLICY", "You specified a policy that is managed by AWS and can't be modified.")
	nonDetachable   = invalidInput("NON_DETACHABLE_POLICY", "You can't detach this AWS Managed Policy.")
	invalidToken    = invalidInput("INVALID_NEXT_TOKEN", "You provided a value for NextToken that is not valid.")
	systemTag       = invalidInput("INVALID_SYSTEM_TAGS_PARAMETER", "You specified a tag key that is a system tag. You can’t add, edit, or delete system tag keys because they're reserved for AWS use.")
	duplicateTag    = invalidInput("DUPLICATE_TAG_KEY", "Tag keys must be unique among the tags attached to the same entity.")
)

func constraint(reason, message string) *identity.Fault {
	f := identity.NewFault("ConstraintViolationException", message)
	f.Reason = reason
	return f
}

func invalidInput(reason, message string) *identity.Fault {
	f := identity.NewFault(identity.InvalidInputException, message)
	f.Reason = reason
	return f
}
