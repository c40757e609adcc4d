"""What a person may do with their own data: ``/mydata`` shows all of it, ``/forget`` erases it."""
