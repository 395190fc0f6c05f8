"""Networks of the hosts, on diffusers' blocks, loaded from the files their authors publish."""
