// What a policy or a search of one's own uses of the scheduler:
//   Problem, Decision            what a decision may depend on, and what it is
//   Blocks, Placement            the blocks of a model with their costs, and the device of each
//   validate(), evaluate(), objective()
//                                whether a placement is feasible, its times, and how good it is
//   make_policy(), policy_named(), decide(), CustomPolicy
//                                the policies of the program by their names, and one's own
//   predict_inference(), predict_migration(), predict_rounds(), Timeline
//                                the times of a step, a migration, a round, and of any turns
//   explanation_text()           why a decision is as it is, in words
// The target headroom::scheduler has these functions. Headers below headroom/internal that this
// header does not include are not for other programs, and change without notice.
#pragma once

#include "scheduler/core/blocks.hpp"
#include "scheduler/core/fleet.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/policies/custom.hpp"
#include "scheduler/policies/policy.hpp"
#include "scheduler/policies/registry.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "scheduler/timing/round_prediction.hpp"
#include "scheduler/timing/timeline.hpp"
