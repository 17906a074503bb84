#pragma once
#define OPEN_MPI 1
