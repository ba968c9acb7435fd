"""What benches/environment.py lets compete, and where: projects, a registry, docker build, mlpack."""
