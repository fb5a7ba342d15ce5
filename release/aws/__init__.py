"""Who may do what in AWS: the policies of the bucket and of one role a job, as files under gitops/aws."""
