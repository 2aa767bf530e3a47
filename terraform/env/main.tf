module "network" {
  source = "../modules/network"

  name    = var.name
  network = var.network
}

module "web" {
  source = "../modules/web"

  name               = var.name
  tags               = var.tags
  web                = var.web
  vpc_id             = module.network.vpc_id
  public_subnet_ids  = module.network.public_subnet_ids
  private_subnet_ids = module.network.routed_private_subnet_ids

  permissions_boundary_arn = var.permissions_boundary_arn

  page = {
    repository        = var.tags["envctl:repository"]
    pull_request      = var.tags["envctl:pr"]
    commit            = var.commit
    database_endpoint = "${module.database.endpoint}:${module.database.port}"
  }
}

module "database" {
  source = "../modules/database"

  name       = var.name
  database   = var.database
  vpc_id     = module.network.vpc_id
  subnet_ids = module.network.private_subnet_ids

  clients = merge(
    { web = module.web.security_group_id },
    { for bastion in module.bastion : "bastion" => bastion.security_group_id },
  )
}

module "bastion" {
  source = "../modules/bastion"
  count  = var.bastion.enabled ? 1 : 0

  name    = var.name
  bastion = var.bastion
  vpc_id  = module.network.vpc_id

  permissions_boundary_arn = var.permissions_boundary_arn

  # Out through the NAT gateway where there is one; otherwise in a public subnet, with an address but still without a way in.
  subnet_id      = module.network.private_egress ? module.network.routed_private_subnet_ids[0] : module.network.public_subnet_ids[0]
  public_address = !module.network.private_egress
}
