#pragma once
#define MPICH 1
#define MPICH_VERSION "4.0"
