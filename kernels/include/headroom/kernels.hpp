// The numeric functions of a decoder, for programs outside of this repository. The target
// headroom::kernels has them. They give the same bits as a run of the program, so such a program is
// compiled with -ffp-contract=off, as the target demands.
#pragma once

#include "kernels/kernels.hpp"
