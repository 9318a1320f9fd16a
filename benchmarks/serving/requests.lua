-- For wrk: sends the bodies of a file in turn and prints what it measured as one line of JSON.
-- The file: the number of headers and those, a line each; the number of bodies; each body after a
-- line with its length in bytes.

local THREADS_APART = 37
local threads = 0

function setup(thread)
    thread:set("turn", threads * THREADS_APART)
    threads = threads + 1
end

function init(args)
    local file = assert(io.open(args[1], "rb"))
    for _ = 1, tonumber(file:read("*l")) do
        local name, value = file:read("*l"):match("^(.-): (.*)$")
        wrk.headers[name] = value
    end
    requests = {}
    for place = 1, tonumber(file:read("*l")) do
        requests[place] = wrk.format("POST", nil, nil, file:read(tonumber(file:read("*l"))))
    end
    file:close()
end

function request()
    turn = turn % #requests + 1
    return requests[turn]
end

function done(summary, latency, _)
    local errors = summary.errors
    io.write(string.format(
        'MEASURED {"requests": %d, "seconds": %.6f, "p50_ms": %.4f, "p99_ms": %.4f, '
            .. '"bad_answers": %d, "socket_errors": %d}\n',
        summary.requests, summary.duration / 1e6,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        errors.status, errors.connect + errors.read + errors.write + errors.timeout
    ))
end
