// Packing of a ResumePoint, which rank 0 sends to all other ranks.
#pragma once

#include "runtime/messages/resume_point.hpp"
#include "runtime/messages/wire.hpp"

namespace headroom::runtime {

void put(ByteWriter& writer, const ResumePoint& point);
[[nodiscard]] ResumePoint get_resume_point(ByteReader& reader);

} // namespace headroom::runtime
