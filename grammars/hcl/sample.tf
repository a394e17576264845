variable "region" { # marks: definition.element region
  default = "eu" # marks: definition.key default
}
resource "aws_instance" "web" { # marks: definition.element web
  ami = var.region # marks: definition.key ami
  tags = { Name = "x" } # marks: definition.key tags
  provisioner {
    inline = concat([1], [2]) # marks: definition.key inline; reference.call concat
  }
}
locals { # marks: definition.element locals
  limit = 3 # marks: definition.key limit
}
module "net" { # marks: definition.element net
  source = "./net" # marks: definition.key source
}
