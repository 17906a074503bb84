// Reads traces (the files that runs write), for programs outside of this repository:
//   open_trace()      a whole trace as rows in memory (Trace)
//   recorded_shape()  the shape of its model, from which scheduler::Blocks are made
//   summary_of()      the numbers of a run and of each of its sequences
//   token_steps(), busy_times()
//                     what reports draw
// The target headroom::trace has these functions.
#pragma once

#include "trace/analysis/figures.hpp"
#include "trace/analysis/summary.hpp"
#include "trace/hdf5/reader.hpp"
#include "trace/records/model_rows.hpp"
#include "trace/records/trace.hpp"
