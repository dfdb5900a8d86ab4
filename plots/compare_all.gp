# Cells by rank: rank, new over base, low, high, colour.
unset key
set border 1
unset ytics
set grid xtics noytics back
set logscale x
set xrange [x_low:x_high]
set yrange [-1:cells]
set xlabel x_label textcolor rgb ink
set arrow from first 1, graph 0 to first 1, graph 1 nohead front lc rgb '#777777' lw 1 dt 2
plot data using 3:1:($4-$3):(0):5 with vectors nohead lw 0.6 lc rgb variable, \
     data using 2:1:5 with points pt 7 ps 0.3 lc rgb variable
unset output
