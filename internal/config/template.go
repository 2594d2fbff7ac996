package config

// Template is the file that config init writes: everything commented out, as
// a fact that was not given is unknown.
const Template = `# yaml-language-server: $schema=` + SchemaURL + `
#
# What kfpreflight cannot read from the manifests: facts about the cluster,
# which checks run, and what is accepted. All of it is optional: remove the "#"
# in front of what you use.
version: 1

# The Kubeflow release that the manifests are of. Detected from the images
# where it is not given.
#kubeflowVersion: "1.10.2"

# A fact that is not given is unknown: the checks that need it say "undecided"
# instead of guessing. Write [] for a list that is known to be empty.
#cluster:
#  # kubectl version
#  kubernetesVersion: "1.34"

#  # kubectl get storageclass
#  storageClasses:
#  - name: standard
#    provisioner: ebs.csi.aws.com
#    default: true

#  # The names under which users reach the platform.
#  hosts: [kubeflow.example.com]

#  # What exists in the cluster beside what the manifests hold.
#  namespaces: []
#  secrets: [auth/dex-ldap]
#  serviceAccounts: []

#  # Groups of equal nodes: what one node can give to pods.
#  # kubectl get nodes -o yaml: status.allocatable
#  nodes:
#  - count: 3
#    cpu: 7910m
#    memory: 30Gi
#    gpu: 0

#  # The DNS domain of Services, where it is not the usual one.
#  clusterDomain: cluster.local

# Which checks run: by id (rbac/wildcard-verbs), family (rbac) or glob
# (rbac/dangling-*). "kfpreflight checks" lists them.
#checks:
#  enable: []
#  disable: []

# Where images may come from; "kfpreflight images" lists all that there are.
#images:
#  # A registry, a part of one, or a glob.
#  allow: [registry.example.com, "ghcr.io/kubeflow/**"]
#  # What is to be pulled from somewhere else.
#  mirror:
#    docker.io: registry.example.com/docker

# The severity from which a finding makes the exit code 1:
# error, warning, info or never.
#failOn: error

# Whether a check that could not tell makes it 1, too.
#failOnUndecided: false

# Findings that are accepted. They stay in reports, marked, and count no more.
#ignore:
#- check: rbac/wildcard-verbs
#  object: ClusterRole//kubeflow-* # kind/namespace/name
#  path: common/** # a file, a folder or a glob, from this file's folder
#  reason: upstream's own role, reviewed
#  expires: 2027-06-30 # the last day
#  owner: platform-team
`
