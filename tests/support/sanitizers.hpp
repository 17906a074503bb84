// What tests must know of the sanitizers under which they may run.
#pragma once

namespace headroom::support {

/// UndefinedBehaviorSanitizer checks the type of an object by reading its memory through a pipe,
/// and reports a wrong type when the process has no descriptor left for the pipe.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kSanitizerNeedsDescriptors = true;
#else
inline constexpr bool kSanitizerNeedsDescriptors = false;
#endif

} // namespace headroom::support
