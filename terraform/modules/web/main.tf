locals {
  # An environment is temporary: nothing of it may refuse to go. Every deletion guard of this module hangs on this block.
  temporary = {
    deletion_protection = false
    force_delete        = true
  }

  https         = var.web.certificate_arn != ""
  instance_port = 80
  instance_tags = merge(var.tags, { Name = "${var.name}-web" })

  artifact_arn = var.web.artifact == "" ? null : "arn:${data.aws_partition.current.partition}:s3:::${trimprefix(var.web.artifact, "s3://")}"

  # Graviton families carry a g after their generation: t4g, m7gd, im4gn.
  architecture = can(regex("^(a1|[a-z]+[0-9]+g[a-z]*)\\.", var.web.instance_type)) ? "arm64" : "x86_64"

  # No package owns this directory: installing nginx writes its own page over /usr/share/nginx/html/index.html.
  site_root = "/usr/share/nginx/html/envctl"

  user_data = templatefile("${path.module}/templates/user-data.yaml.tftpl", {
    artifact   = var.web.artifact
    site_root  = local.site_root
    index_html = templatefile("${path.module}/templates/index.html.tftpl", local.page)
    nginx_conf = templatefile("${path.module}/templates/nginx.conf.tftpl", {
      port        = local.instance_port
      site_root   = local.site_root
      health_path = var.web.health_check_path
    })
  })

  page = { for key, value in merge(var.page, { environment = var.name }) : key => replace(replace(replace(replace(replace(
    value, "&", "&amp;"), "<", "&lt;"), ">", "&gt;"), "\"", "&quot;"), "'", "&#39;")
  }
}
