package iam

// rolePrefix begins the name of every service-linked role.
const rolePrefix = "AWSServiceRoleFor"

// applicationAutoScaling begins the names of the roles of one service that has many.
const applicationAutoScaling = "ApplicationAutoScaling_"

// linkedRole is the role of a service: how its name goes on after the prefix, and whether there can be several of it, each with a
// suffix of its own.
type linkedRole struct {
	name     string
	suffixes bool
}

// linkedRoles are the services of which it is known what their roles are called (LSI, service roles, and the services' own
// documentation). Nothing here acts as any of them: the roles are for those who manage them as they do at AWS.
var linkedRoles = map[string]linkedRole{
	"accountdiscovery.ssm.amazonaws.com":              {"AmazonSSM_AccountDiscovery", false},
	"acm.amazonaws.com":                               {"CertificateManager", false},
	"appmesh.amazonaws.com":                           {"AppMesh", false},
	"autoscaling.amazonaws.com":                       {"AutoScaling", true},
	"backup.amazonaws.com":                            {"Backup", false},
	"batch.amazonaws.com":                             {"Batch", false},
	"cassandra.application-autoscaling.amazonaws.com": {applicationAutoScaling + "CassandraTable", false},
	"cks.kms.amazonaws.com":                           {"KeyManagementServiceCustomKeyStores", false},
	"cloudtrail.amazonaws.com":                        {"CloudTrail", false},
	"codestar-notifications.amazonaws.com":            {"CodeStarNotifications", false},
	"config.amazonaws.com":                            {"Config", false},
	"connect.amazonaws.com":                           {"AmazonConnect", true},
	"dms.amazonaws.com":                               {"DMSServerless", false},
	"dms-fleet-advisor.amazonaws.com":                 {"DMSFleetAdvisor", false},
	"docdb-elastic.amazonaws.com":                     {"DocDB-Elastic", false},
	"dynamodb.application-autoscaling.amazonaws.com":  {applicationAutoScaling + "DynamoDBTable", false},
	"ec2-instance-connect.amazonaws.com":              {"Ec2InstanceConnect", false},
	"ec2.application-autoscaling.amazonaws.com":       {applicationAutoScaling + "EC2SpotFleetRequest", false},
	"ecr.amazonaws.com":                               {"ECRTemplate", false},
	"ecs.amazonaws.com":                               {"ECS", false},
	"ecs.application-autoscaling.amazonaws.com":       {applicationAutoScaling + "ECSService", false},
	"eks.amazonaws.com":                               {"AmazonEKS", false},
	"eks-connector.amazonaws.com":                     {"AmazonEKSConnector", false},
	"eks-fargate.amazonaws.com":                       {"AmazonEKSForFargate", false},
	"eks-nodegroup.amazonaws.com":                     {"AmazonEKSNodegroup", false},
	"elasticache.amazonaws.com":                       {"ElastiCache", false},
	"elasticbeanstalk.amazonaws.com":                  {"ElasticBeanstalk", false},
	"elasticfilesystem.amazonaws.com":                 {"AmazonElasticFileSystem", false},
	"elasticloadbalancing.amazonaws.com":              {"ElasticLoadBalancing", false},
	"email.cognito-idp.amazonaws.com":                 {"AmazonCognitoIdpEmailService", false},
	"emr-containers.amazonaws.com":                    {"AmazonEMRContainers", false},
	"emrwal.amazonaws.com":                            {"EMRWAL", false},
	"es.amazonaws.com":                                {"AmazonElasticsearchService", false},
	"fis.amazonaws.com":                               {"FIS", false},
	"grafana.amazonaws.com":                           {"AmazonGrafana", false},
	"guardduty.amazonaws.com":                         {"AmazonGuardDuty", false},
	"imagebuilder.amazonaws.com":                      {"ImageBuilder", false},
	"inspector2.amazonaws.com":                        {"AmazonInspector2", false},
	"kafka.amazonaws.com":                             {"Kafka", false},
	"kafkaconnect.amazonaws.com":                      {"KafkaConnect", false},
	"lakeformation.amazonaws.com":                     {"LakeFormationDataAccess", false},
	"lex.amazonaws.com":                               {"LexBots", false},
	"lexv2.amazonaws.com":                             {"LexV2Bots", true},
	"lightsail.amazonaws.com":                         {"Lightsail", false},
	"macie.amazonaws.com":                             {"AmazonMacie", false},
	"memorydb.amazonaws.com":                          {"MemoryDB", false},
	"mq.amazonaws.com":                                {"AmazonMQ", false},
	"mrk.kms.amazonaws.com":                           {"KeyManagementServiceMultiRegionKeys", false},
	"notifications.amazonaws.com":                     {"AwsUserNotifications", false},
	"observability.aoss.amazonaws.com":                {"AmazonOpenSearchServerless", false},
	"opensearchservice.amazonaws.com":                 {"AmazonOpenSearchService", false},
	"ops.apigateway.amazonaws.com":                    {"APIGateway", false},
	"ops.emr-serverless.amazonaws.com":                {"AmazonEMRServerless", false},
	"organizations.amazonaws.com":                     {"Organizations", false},
	"pullthroughcache.ecr.amazonaws.com":              {"ECRPullThroughCache", false},
	"ram.amazonaws.com":                               {"ResourceAccessManager", false},
	"rds.amazonaws.com":                               {"RDS", false},
	"redshift.amazonaws.com":                          {"Redshift", false},
	"replication.ecr.amazonaws.com":                   {"ECRReplication", false},
	"resource-explorer-2.amazonaws.com":               {"ResourceExplorer", false},
	"rolesanywhere.amazonaws.com":                     {"RolesAnywhere", false},
	"securityhub.amazonaws.com":                       {"SecurityHub", false},
	"ses.amazonaws.com":                               {"AmazonSES", false},
	"shield.amazonaws.com":                            {"AWSShield", false},
	"spot.amazonaws.com":                              {"EC2Spot", false},
	"spotfleet.amazonaws.com":                         {"EC2SpotFleet", false},
	"ssm.amazonaws.com":                               {"AmazonSSM", false},
	"sso.amazonaws.com":                               {"SSO", false},
	"transitgateway.amazonaws.com":                    {"VPCTransitGateway", false},
	"waf.amazonaws.com":                               {"WAF", false},
	"wafv2.amazonaws.com":                             {"WAFV2", false},
}
