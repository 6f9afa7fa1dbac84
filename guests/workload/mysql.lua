-- sysbench's oltp_read_write, held to a rate, and reporting as progress.py's lines say.
require("oltp_read_write")

local ffi = require("ffi")
ffi.cdef [[
typedef struct { long seconds; long nanoseconds; } testbed_time;
int clock_gettime(int clock, testbed_time *now);
int usleep(unsigned int microseconds);
]]
local realtime, monotonic = 0, 1
-- As in pace.py: a pause is not made up for by a burst.
local most_debt = 0.25

sysbench.cmdline.options.queries_per_second = {"Queries a second of all clients together; 0: as many as they can", 0}

local function seconds(clock)
   local now = ffi.new("testbed_time")
   ffi.C.clock_gettime(clock, now)
   return tonumber(now.seconds) + tonumber(now.nanoseconds) / 1e9
end

-- With BEGIN and COMMIT, as sysbench counts.
local function queries_per_transaction()
   local opt = sysbench.opt
   return opt.point_selects + opt.simple_ranges + opt.sum_ranges + opt.order_ranges + opt.distinct_ranges +
      opt.index_updates + opt.non_index_updates + 2 * opt.delete_inserts + 2
end

local transaction = event
local due

function event()
   local rate = sysbench.opt.queries_per_second
   if rate > 0 then
      local now = seconds(monotonic)
      due = math.max(due or now, now - most_debt)
      if due > now then ffi.C.usleep((due - now) * 1e6) end
      due = due + queries_per_transaction() * sysbench.opt.threads / rate
   end
   transaction()
end

function sysbench.hooks.report_intermediate(stat)
   print(string.format('{"at": %.3f, "monotonic": %.3f, "operations": %d, "unit": "queries"}',
      seconds(realtime), seconds(monotonic), stat.reads + stat.writes + stat.other))
   io.flush()
end
